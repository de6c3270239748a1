"""What the sandbox's broker says no to."""

from alphaforge.core.errors import InvalidInput


class Refusal(InvalidInput):
    """A request that is answered with an HTTP error; the message is the answer's `errorMessage`."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
