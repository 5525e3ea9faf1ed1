"""The parameters of a request beside its messages: what is honoured, ignored and refused.

Source of names, types and limits: OpenAI's public API reference, "Create chat completion".
"""

from __future__ import annotations

from typing import Any

from understudy.apierror import ApiError

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


NAMES = KNOWN | IGNORED | UNSUPPORTED

NUMBERS = (
    ("seed", int, "an integer"),
    ("temperature", (int, float), "a number"),
    ("stream", bool, "a boolean"),
    ("max_tokens", int, "an integer"),
    ("max_completion_tokens", int, "an integer"),
)


def read_parameters(raw: dict[str, Any]) -> dict[str, Any]:
    """Gather fields of `ChatRequest`; what is absent or null keeps its default.

    Raises:
        ApiError: Status 400, naming the parameter that is mistyped or out of range.
    """
    fields = {
        name: typed(raw, name, kinds, what)
        for name, kinds, what in NUMBERS
        if raw.get(name) is not None
    }
    if "max_completion_tokens" in fields:
        fields["max_tokens"] = fields.pop("max_completion_tokens")
    if fields.get("max_tokens", 1) < 1:
        raise out_of_range("max_tokens", "at least 1", fields["max_tokens"])
    if not 0 <= fields.get("temperature", 0) <= 2:
        raise out_of_range("temperature", "between 0 and 2", fields["temperature"])
    return fields | _stop(raw) | _response_format(raw) | _stream_options(raw)


def refuse_unsupported(raw: dict[str, Any]) -> None:
    """Refuse what a role player cannot honour, and names that mean nothing.

    Raises:
        ApiError: Status 400, naming the parameter.
    """
    for name in UNSUPPORTED & raw.keys():
        if raw[name] not in (None, False, [], ["text"], 0):
            raise ApiError(
                f"Unsupported parameter: '{name}' is not supported by the understudy.",
                param=name,
                code="unsupported_parameter",
            )
    if not raw.keys() <= NAMES:
        unknown = min(raw.keys() - NAMES)
        raise ApiError(f"Unknown parameter: '{unknown}'.", param=unknown, code="unknown_parameter")
    if raw.get("n") not in (None, 1):
        raise ApiError("Unsupported value: 'n' must be 1.", param="n", code="unsupported_value")


def _stop(raw: dict[str, Any]) -> dict[str, Any]:
    if raw.get("stop") is None:
        return {}
    stop = typed(raw, "stop", (str, list), "a string or up to four strings")
    words = [stop] if isinstance(stop, str) else stop
    if len(words) > 4 or not all(isinstance(word, str) and word for word in words):
        raise mistyped("stop", "a string or up to four strings", stop)
    return {"stop": tuple(words)}


def _response_format(raw: dict[str, Any]) -> dict[str, Any]:
    form = raw.get("response_format")
    if form is None:
        return {}
    if not isinstance(form, dict):
        raise mistyped("response_format", "an object", form)
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
        raise mistyped("stream_options", "an object", options)
    if not raw.get("stream"):
        raise ApiError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
        )
    return {"include_usage": bool(options.get("include_usage"))}


def typed(raw: dict[str, Any], name: str, kinds: Any, what: str) -> Any:  # noqa: ANN401
    """Return a parameter if it has the right type; a boolean is no number.

    Raises:
        ApiError: It is missing or mistyped.
    """
    if name not in raw:
        raise ApiError(
            f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter"
        )
    value = raw[name]
    stray_bool = isinstance(value, bool) and kinds is not bool
    if stray_bool or not isinstance(value, kinds):
        raise mistyped(name, what, value)
    return value


def mistyped(where: str, what: str, got: Any) -> ApiError:  # noqa: ANN401 - raw input
    """Return the error for a value of the wrong type."""
    kind = type(got).__name__ if got is not None else "null"
    return ApiError(
        f"Invalid type for '{where}': expected {what}, but got {kind} instead.",
        param=where,
        code="invalid_type",
    )


def out_of_range(where: str, what: str, got: object) -> ApiError:
    """Return the error for a value beyond its limits."""
    """Return the error for a value of the wrong type."""
    return ApiError(
        f"Invalid value for '{where}': expected {what}, but got {got} instead.",
        param=where,
        code="invalid_value",
    )
