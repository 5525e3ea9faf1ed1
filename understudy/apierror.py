"""An error the way OpenAI's API words it: a status and a JSON body, not an exception text."""

from __future__ import annotations


class ApiError(Exception):
    """A request that is answered with an error body.

    Args:
        message: What is wrong, in a sentence for people.
        status: HTTP status.
        kind: OpenAI's `type`, e.g. `invalid_request_error`.
        param: The parameter at fault, where there is one.
        code: OpenAI's machine-readable `code`, where there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code

    def body(self) -> dict[str, dict[str, str | None]]:
        """Return the error body: `{"error": {message, type, param, code}}`."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }
