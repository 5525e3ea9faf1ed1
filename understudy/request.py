"""A chat-completions request, read the way OpenAI's API reads it.

Source of names, types and limits: OpenAI's public API reference, "Create chat completion".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from domain.base import seed_of
from understudy.apierror import ApiError
from understudy.parameters import mistyped, out_of_range, read_parameters, refuse_unsupported, typed

ROLES = ("system", "developer", "user", "assistant")


class Message(NamedTuple):
    """One message; content given as text parts is joined."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a role player sees: the request and nothing else.

    `seed` is the request's own, or derived from model and messages where it gives none, so that
    equal requests get equal answers. `max_tokens` counts tokens of `understudy.usage`.
    """

    messages: tuple[Message, ...]
    model: str
    seed: int
    temperature: float | None = None
    max_tokens: int | None = None
    schema: dict[str, Any] | None = None
    """JSON schema the answer must fit (`response_format` of type `json_schema`), or None."""
    json_object: bool = False
    """Whether `response_format` asked for any JSON object."""
    stream: bool = False
    include_usage: bool = False
    stop: tuple[str, ...] = ()

    @property
    def system(self) -> str:
        """The system and developer messages, joined by a blank line."""
        return "\n\n".join(m.content for m in self.messages if m.role in ("system", "developer"))


def parse_request(body: bytes) -> ChatRequest:
    """Read the body of a chat-completions request.

    Raises:
        ApiError: Status 400, naming the parameter that is missing, mistyped or not supported.
    """
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(f"We could not parse the JSON body of your request: {error}.") from error
    if not isinstance(raw, dict):
        raise ApiError("The body must be a JSON object.", code="invalid_type")
    refuse_unsupported(raw)
    messages, model = _messages(raw), typed(raw, "model", str, "a string")
    fields = read_parameters(raw)
    if "seed" not in fields:
        fields["seed"] = seed_of(orjson.dumps([raw["model"], raw["messages"]]).hex())
    return ChatRequest(messages, model, **fields)


def _messages(raw: dict[str, Any]) -> tuple[Message, ...]:
    messages = typed(raw, "messages", list, "an array of messages")
    if not messages:
        raise out_of_range("messages", "at least one message", "an empty array")
    return tuple([_message(message, at) for at, message in enumerate(messages)])


def _message(message: Any, at: int) -> Message:  # noqa: ANN401 - raw input
    if not isinstance(message, dict):
        raise mistyped(f"messages[{at}]", "an object", message)
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        where = f"messages[{at}].role"
        raise ApiError(
            f"Invalid value: '{role}' in '{where}'. Supported values are: {', '.join(ROLES)}.",
            param=where,
            code="invalid_value",
        )
    if isinstance(content, list):
        content = "".join([_part(part, f"messages[{at}].content") for part in content])
    if not isinstance(content, str):
        where = f"messages[{at}].content"
        raise mistyped(where, "a string or an array of text parts", content)
    return Message(role, content)


def _part(part: Any, where: str) -> str:  # noqa: ANN401 - raw input
    if not isinstance(part, dict) or not isinstance(part.get("text"), str):
        raise ApiError(f"Only text parts are supported in '{where}'.", param=where)
    return str(part["text"])
