"""How an answer is asked to come: in pieces or whole, as text, as JSON, as JSON of a schema."""

from __future__ import annotations

import json
from typing import Any

from domain.base import Noun
from evaluation.serving.refused import RequestRefused

_ANY_OBJECT = '{"type":"object"}'
_NAMED = frozenset({"name", "description", "schema", "strict"})


class Form(Noun):
    """The form of an answer."""

    stream: bool = False
    """Whether it is told token by token, as server-sent events."""
    include_usage: bool = False
    """Whether a stream's last event counts the tokens."""
    json_schema: str | None = None
    """What the answer must be, as JSON Schema in JSON; None for plain text."""


def parse_form(body: dict[str, Any]) -> Form:
    """Read `stream`, `stream_options` and `response_format`.

    Raises:
        RequestRefused: 400, naming the parameter that is wrong or not supported.
    """
    stream = body.get("stream")
    if not isinstance(stream, bool | None):
        raise RequestRefused(400, "`stream` must be true or false.", param="stream")
    return Form(
        stream=bool(stream),
        include_usage=_include_usage(body.get("stream_options"), streamed=bool(stream)),
        json_schema=_schema(body.get("response_format")),
    )


def _include_usage(options: Any, *, streamed: bool) -> bool:  # noqa: ANN401 - any JSON value
    if options is None:
        return False
    if not streamed:
        raise RequestRefused(
            400, "`stream_options` is only allowed with `stream`: true.", param="stream_options"
        )
    if not isinstance(options, dict):
        raise RequestRefused(400, "`stream_options` must be an object.", param="stream_options")
    for name, value in options.items():
        known = name == "include_usage" or (name == "include_obfuscation" and value is False)
        if not known or not isinstance(value, bool):
            param = f"stream_options.{name}"
            raise RequestRefused(400, f"`{param}` is not supported.", param=param)
    return bool(options.get("include_usage", False))


def _schema(asked: Any) -> str | None:  # noqa: ANN401 - any JSON value
    kind = asked.get("type") if isinstance(asked, dict) else asked
    match kind:
        case None | "text" if asked is None or asked == {"type": "text"}:
            return None
        case "json_object" if asked == {"type": "json_object"}:
            return _ANY_OBJECT
        case "json_schema" if set(asked) == {"type", "json_schema"}:
            return _named_schema(asked["json_schema"])
    raise RequestRefused(
        400,
        "`response_format` must be of type text, json_object or json_schema.",
        param="response_format",
    )


def _named_schema(named: Any) -> str:  # noqa: ANN401 - any JSON value
    param = "response_format.json_schema"
    if not isinstance(named, dict) or not isinstance(named.get("schema"), dict):
        raise RequestRefused(400, f"`{param}.schema` must be an object.", param=f"{param}.schema")
    for name in named.keys() - _NAMED:
        raise RequestRefused(400, f"`{param}.{name}` is not known.", param=f"{param}.{name}")
    return json.dumps(named["schema"])
