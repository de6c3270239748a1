"""How deep JSON goes, told without parsing it: what recurses over it never sees what is too deep."""

_EVERYTHING_ELSE = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_ONE_KIND = bytes.maketrans(b"{}", b"[]")


def is_deeper(text: bytes, most: int) -> bool:
    """Whether lists and objects lie in one another more than `most` deep.

    What is no JSON may be called anything: the parser refuses it. All steps are single passes at the speed of memory,
    at most `most` of them, for a body of many megabytes is scanned while everybody else waits.
    """
    if text.count(b"[") + text.count(b"{") <= most:
        return False
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # two neighbouring quotes are an empty string, or end one and begin another: without them nothing changes sides
    marks = text.translate(_ONE_KIND, _EVERYTHING_ELSE).replace(b'""', b"")
    if b'"' in marks:
        marks = b"".join(marks.split(b'"')[::2])
    if b"[" * (most + 1) in marks:
        return True
    for _ in range(most):
        outer = marks.replace(b"[]", b"")
        if len(outer) == len(marks):
            return False  # nothing left, or brackets that do not match
        marks = outer
    return b"[]" in marks
