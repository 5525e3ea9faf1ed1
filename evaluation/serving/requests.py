"""What a chat-completions request may ask of the models under test, and what is refused.

The wire is OpenAI's `/v1/chat/completions`. Whatever is not supported is answered with 400 and
the parameter's name, never passed over in silence: a caller that asked for tools or for penalties
must not take for them what was drawn without.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, ValidationError

from domain.base import Noun
from evaluation.serving.forms import Form, parse_form
from evaluation.serving.refused import RequestRefused


class Message(Noun):
    """One message of the conversation; `developer` is read as `system`."""

    role: Literal["system", "user", "assistant"]
    content: str


class Sampling(Noun):
    """How tokens are drawn. Temperature 0 takes the likeliest token, whatever the seed."""

    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    seed: int | None = None
    stop: tuple[str, ...] = Field(default=(), max_length=4)
    max_tokens: int | None = Field(default=None, ge=1)


class ChatRequest(Noun):
    """A request that can be served."""

    model: str
    messages: tuple[Message, ...] = Field(min_length=1)
    sampling: Sampling
    form: Form = Form()


_NEUTRAL: dict[str, tuple[object, ...]] = {
    # A parameter that is not supported is let through only where it asks for nothing.
    "n": (1,),
    "tools": ([],),
    "tool_choice": ("none",),
    "functions": ([],),
    "function_call": ("none",),
    "parallel_tool_calls": (True, False),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "modalities": (["text"],),
    "store": (False,),
}
_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_SAMPLING = ("temperature", "top_p", "seed")
_IGNORED = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key", "service_tier"})
"""Bookkeeping that does not bear on the answer."""
_FORM = ("stream", "stream_options", "response_format")
_KNOWN = frozenset(
    {"model", "messages", "stop", "max_tokens", "max_completion_tokens", *_SAMPLING, *_FORM}
)


def parse_request(body: Any) -> ChatRequest:  # noqa: ANN401 - any JSON value
    """Read a request body.

    Raises:
        RequestRefused: 400, naming the parameter that is wrong or not supported.
    """
    if not isinstance(body, dict):
        raise RequestRefused(400, "The body must be a JSON object.")
    _refuse_unsupported(body)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise RequestRefused(400, "`model` must be a string.", param="model")
    return ChatRequest(
        model=model,
        messages=_messages(body),
        sampling=_sampling(body),
        form=parse_form(body),
    )


def _refuse_unsupported(body: dict[str, Any]) -> None:
    for name, value in body.items():
        if name in _KNOWN or name in _IGNORED or value is None:
            continue
        if name not in _NEUTRAL:
            raise RequestRefused(
                400, f"Unrecognized request argument: {name}", param=name, code="unknown_parameter"
            )
        if not any(value == neutral for neutral in _NEUTRAL[name]):
            raise RequestRefused(
                400,
                f"`{name}` is not supported by this server, but for a value that asks for nothing.",
                param=name,
                code="unsupported_parameter",
            )


def _messages(body: dict[str, Any]) -> tuple[Message, ...]:
    raw = body.get("messages")
    if not isinstance(raw, list) or not raw:
        raise RequestRefused(400, "`messages` must be a list with a message.", param="messages")
    return tuple(_message(item, f"messages[{index}]") for index, item in enumerate(raw))


def _message(item: Any, param: str) -> Message:  # noqa: ANN401 - any JSON value
    if not isinstance(item, dict):
        raise RequestRefused(400, f"`{param}` must be an object.", param=param)
    role = _ROLES.get(str(item.get("role")))
    if role is None:
        raise RequestRefused(
            400,
            f"`{param}.role` must be system, developer, user or assistant.",
            param=f"{param}.role",
        )
    return Message(role=role, content=_content(item.get("content"), f"{param}.content"))


def _content(content: Any, param: str) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [
        part["text"]
        for part in parts
        if isinstance(part, dict)
        and part.get("type") == "text"
        and isinstance(part.get("text"), str)
    ]
    if not parts or len(texts) != len(parts):
        raise RequestRefused(400, f"`{param}` must be a string or text parts.", param=param)
    return "".join(texts)


def _sampling(body: dict[str, Any]) -> Sampling:
    values = {name: body[name] for name in _SAMPLING if body.get(name) is not None}
    stop = body.get("stop")
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    values["stop"] = (stop,) if isinstance(stop, str) else tuple(_texts(stop))
    if limit is None and body.get("max_tokens") == 0:
        limit = 0
    try:
        return Sampling.model_validate({**values, "max_tokens": limit}, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        param = str(first["loc"][0])
        raise RequestRefused(400, f"`{param}`: {first['msg']}", param=param) from error


def _texts(stop: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    if stop is None:
        return []
    if not isinstance(stop, list) or not all(isinstance(text, str) and text for text in stop):
        raise RequestRefused(400, "`stop` must be a string or a list of strings.", param="stop")
    return stop
