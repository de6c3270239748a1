"""Every request that docs/api.md shows, sent as it stands there, in its order."""

import json
import re
import shlex
from pathlib import Path

from api_bench import SQLITE, Bench
from backtests_at_hand import keep_candles

pytestmark = SQLITE

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
REFUSED = {"/api/signals?limit=0": 422}


def shown() -> list[list[str]]:
    """The words of each `curl` that is not part of a script."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    text = "\n".join(block for block in blocks if "$(" not in block)
    commands = re.split(r"^(?=curl )", text.replace("\\\n", " "), flags=re.MULTILINE)
    return [shlex.split(command, comments=True) for command in commands if command.startswith("curl ")]


async def test_the_examples_work(bench: Bench) -> None:
    commands = shown()
    await keep_candles(bench.services.database)
    assert len(commands) >= 13
    for shown_words in commands:
        words = ["-d" if word == "--data-binary" else word for word in shown_words]
        path = next(word.removeprefix("$DESK") for word in words if word.startswith("$DESK"))
        given = {flag: words[at + 1] for at, flag in enumerate(words) if flag in ("-X", "-d")}
        headers = dict(words[at + 1].split(": ", 1) for at, flag in enumerate(words) if flag == "-H")
        if "-N" in words:
            continue  # never ends; see tests/integration/stream
        method = given.get("-X") or ("POST" if "-d" in given else "GET")
        answer = await bench.client.request(method, path, headers=headers, content=given.get("-d"))
        is_job = method == "POST" and (path in ("/api/jobs", "/api/backtests") or path.endswith("/import"))
        assert answer.status_code == REFUSED.get(path, 202 if is_job else 200), f"{method} {path}: {answer.text}"
        if "-d" in given and "bulk" in path:
            rows = next(iter(json.loads(given["-d"]).values()))
            assert len(rows) in (answer.json().get("created"), answer.json().get("updated"))
