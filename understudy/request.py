"""A chat-completions request, read the way OpenAI's API reads it.

Source of names, types and limits: OpenAI's public API reference, "Create chat completion".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from domain.base import seed_of
from understudy.apierror import ApiError

ROLES = ("system", "developer", "user", "assistant")

IGNORED = frozenset(
    {
        "top_p",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "user",
        "metadata",
        "store",
        "service_tier",
        "reasoning_effort",
        "verbosity",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "prediction",
    }
)
"""Parameters that are valid and change nothing here: there is no model to steer."""

UNSUPPORTED = frozenset(
    {
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "functions",
        "function_call",
        "audio",
        "modalities",
        "web_search_options",
        "logprobs",
        "top_logprobs",
    }
)
"""Parameters of OpenAI's that a role player cannot honour; refused unless null or false."""


@dataclass(frozen=True, slots=True)
class Message:
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

    @property
    def conversation(self) -> tuple[Message, ...]:
        """The messages after the system prompt: `assistant` is the role itself."""
        return tuple(m for m in self.messages if m.role in ("user", "assistant"))


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
    _refuse_unsupported(raw)
    fields = _fields(raw)
    if "seed" not in fields:
        fields["seed"] = seed_of(orjson.dumps([raw["model"], raw["messages"]]).hex())
    return ChatRequest(**fields)


def _refuse_unsupported(raw: dict[str, Any]) -> None:
    for name in UNSUPPORTED & raw.keys():
        if raw[name] not in (None, False, [], ["text"], 0):
            raise ApiError(
                f"Unsupported parameter: '{name}' is not supported by the understudy.",
                param=name,
                code="unsupported_parameter",
            )
    unknown = sorted(raw.keys() - KNOWN - IGNORED - UNSUPPORTED)
    if unknown:
        raise ApiError(
            f"Unknown parameter: '{unknown[0]}'.", param=unknown[0], code="unknown_parameter"
        )
    if raw.get("n") not in (None, 1):
        raise ApiError("Unsupported value: 'n' must be 1.", param="n", code="unsupported_value")


KNOWN = frozenset(
    {
        "messages",
        "model",
        "seed",
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "response_format",
        "stream",
        "stream_options",
        "stop",
        "n",
    }
)


def _fields(raw: dict[str, Any]) -> dict[str, Any]:
    """Gather the fields of `ChatRequest`; what is absent or null keeps its default."""
    fields: dict[str, Any] = {
        "messages": _messages(raw),
        "model": _typed(raw, "model", str, "a string"),
    }
    for name, kinds, what in (
        ("seed", int, "an integer"),
        ("temperature", (int, float), "a number"),
        ("stream", bool, "a boolean"),
        ("max_tokens", int, "an integer"),
        ("max_completion_tokens", int, "an integer"),
    ):
        if raw.get(name) is not None:
            fields[name] = _typed(raw, name, kinds, what)
    if "max_completion_tokens" in fields:
        fields["max_tokens"] = fields.pop("max_completion_tokens")
    if fields.get("max_tokens", 1) < 1:
        raise _out_of_range("max_tokens", "at least 1", fields["max_tokens"])
    if not 0 <= fields.get("temperature", 0) <= 2:
        raise _out_of_range("temperature", "between 0 and 2", fields["temperature"])
    return fields | _stop(raw) | _response_format(raw) | _stream_options(raw)


def _messages(raw: dict[str, Any]) -> tuple[Message, ...]:
    messages = _typed(raw, "messages", list, "an array of messages")
    if not messages:
        raise _out_of_range("messages", "at least one message", "an empty array")
    return tuple(_message(message, f"messages[{i}]") for i, message in enumerate(messages))


def _message(message: Any, where: str) -> Message:  # noqa: ANN401 - raw input
    if not isinstance(message, dict):
        raise _mistyped(where, "an object", message)
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise ApiError(
            f"Invalid value: '{role}' in '{where}.role'. Supported values are: {', '.join(ROLES)}.",
            param=f"{where}.role",
            code="invalid_value",
        )
    if isinstance(content, list):
        content = "".join(_part(part, f"{where}.content") for part in content)
    if not isinstance(content, str):
        raise _mistyped(f"{where}.content", "a string or an array of text parts", content)
    return Message(role, content)


def _stop(raw: dict[str, Any]) -> dict[str, Any]:
    if raw.get("stop") is None:
        return {}
    stop = _typed(raw, "stop", (str, list), "a string or up to four strings")
    words = [stop] if isinstance(stop, str) else stop
    if len(words) > 4 or not all(isinstance(word, str) and word for word in words):
        raise _mistyped("stop", "a string or up to four strings", stop)
    return {"stop": tuple(words)}


def _part(part: Any, where: str) -> str:  # noqa: ANN401 - raw input
    if not isinstance(part, dict) or not isinstance(part.get("text"), str):
        raise ApiError(f"Only text parts are supported in '{where}'.", param=where)
    return str(part["text"])


def _response_format(raw: dict[str, Any]) -> dict[str, Any]:
    form = raw.get("response_format")
    if form is None:
        return {}
    if not isinstance(form, dict):
        raise _mistyped("response_format", "an object", form)
    kind = form.get("type")
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"json_object": True}
    if kind != "json_schema":
        raise ApiError(
            f"Invalid value: '{kind}'. Supported values are: 'text', 'json_object', 'json_schema'.",
            param="response_format.type",
            code="invalid_value",
        )
    named = form.get("json_schema")
    if not isinstance(named, dict) or not isinstance(named.get("schema"), dict):
        raise ApiError(
            "Missing required parameter: 'response_format.json_schema.schema'.",
            param="response_format.json_schema.schema",
            code="missing_required_parameter",
        )
    return {"schema": named["schema"]}


def _stream_options(raw: dict[str, Any]) -> dict[str, Any]:
    options = raw.get("stream_options")
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise _mistyped("stream_options", "an object", options)
    if not raw.get("stream"):
        raise ApiError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    return {"include_usage": bool(options.get("include_usage"))}


def _typed(raw: dict[str, Any], name: str, kinds: Any, what: str) -> Any:  # noqa: ANN401
    if name not in raw:
        raise ApiError(
            f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
        )
    value = raw[name]
    stray_bool = isinstance(value, bool) and kinds is not bool
    if stray_bool or not isinstance(value, kinds):
        raise _mistyped(name, what, value)
    return value


def _mistyped(where: str, what: str, got: Any) -> ApiError:  # noqa: ANN401 - raw input
    kind = type(got).__name__ if got is not None else "null"
    return ApiError(
        f"Invalid type for '{where}': expected {what}, but got {kind} instead.",
        param=where,
        code="invalid_type",
    )


def _out_of_range(where: str, what: str, got: object) -> ApiError:
    return ApiError(
        f"Invalid value for '{where}': expected {what}, but got {got} instead.",
        param=where,
        code="invalid_value",
    )
