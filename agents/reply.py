"""From an endpoint's bytes to a typed result: nothing that went wrong is ever text.

Source of names and types: OpenAI's public API reference, "Create chat completion" and "Error
codes"; `reasoning_content` and `reasoning` as sent by DeepSeek, vLLM and OpenRouter.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from math import inf
from typing import TYPE_CHECKING, Any

import orjson

from domain.call import CallResult, Outcome, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

DETAIL_CHARS = 500
"""What is kept of an endpoint's error message."""

MAX_TOKENS = 10_000_000
"""No call costs more; a larger count is nonsense, and would be the whole budget by itself."""

THINKING = re.compile(r"\A\s*(?:<think(?:ing)?>)?(.*?)</think(?:ing)?>\s*", re.DOTALL)
UNFINISHED = re.compile(r"\A\s*<think(?:ing)?>(.*)\Z", re.DOTALL)

ROLE_CHARS = 40
"""What is shown of a role that is none."""

GARBLED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffd-\uffff]|[\ud800-\udfff]"
)
"""Controls but tab and line ends, what a decoder puts for bytes it cannot read (U+FFFD),
noncharacters and lone surrogates (Unicode 15, 23.1, 23.7 and 23.8): a broken tokenizer or proxy.
Bytes that are no UTF-8, and surrogates written as escapes, are refused as no JSON."""

STATUSES = {
    408: Outcome.TIMEOUT,
    409: Outcome.SERVER_ERROR,
    425: Outcome.SERVER_ERROR,
    429: Outcome.RATE_LIMITED,
}
FINAL_CODES = {
    "insufficient_quota": Outcome.REJECTED,
    "content_filter": Outcome.REFUSAL,
    "content_policy_violation": Outcome.REFUSAL,
}
"""Error codes that mean more than their status: money is out, or a filter objects."""

SHUT = re.compile(r"\AHTTP (?:401|402|403|404)\b|\AHTTP \d+(?: \[[^\]]*\])? \[insufficient_quota\]")
"""Details, as `read_error` words them, of rejections that every other call will meet too: a wrong
key, no money, no permission, an unknown model or address."""


def is_shut(detail: str) -> bool:
    """Whether the detail of a `REJECTED` says that the endpoint takes no call at all."""
    return SHUT.match(detail) is not None


def read_reply(
    status: int, headers: Mapping[str, str], body: bytes, latency_ms: float = 0.0
) -> CallResult:
    """Read one HTTP answer to a chat-completions request that took `latency_ms`."""
    if status != 200:
        return read_error(status, headers, body)
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return CallResult(outcome=Outcome.MALFORMED, detail=f"no JSON: {_start(body)}")
    if not isinstance(data, dict):
        return CallResult(outcome=Outcome.MALFORMED, detail=f"no JSON object: {_start(body)}")
    choices = data.get("choices")
    if data.get("error") and not choices:  # some gateways answer 200 with an error inside
        return read_error(_code(data["error"]), headers, body)
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
        return CallResult(outcome=Outcome.MALFORMED, detail=f"no message: {_start(body)}")
    role = choice["message"].get("role") or "assistant"
    if role != "assistant":
        said = f"a message of role {str(role)[:ROLE_CHARS]!r} instead of assistant"
        return CallResult(outcome=Outcome.MALFORMED, detail=said, usage=_usage(data.get("usage")))
    return _read_message(data, _text(choice.get("finish_reason")), choice["message"], latency_ms)


def _read_message(
    data: dict[str, Any], finish: str, message: dict[str, Any], latency_ms: float
) -> CallResult:
    content = _content(message.get("content"))
    thought, text = split_thinking(content)
    outcome, detail = _outcome(finish, text, _text(message.get("refusal")))
    if garbled := GARBLED.search(text):
        outcome, text = Outcome.MALFORMED, ""
        detail = f"the answer holds the character U+{ord(garbled[0]):04X}, which nobody says"
    return CallResult(
        outcome=outcome,
        text=text,
        reasoning=_reasoning(message) or thought,
        detail=detail,
        finish_reason=finish,
        model=_text(data.get("model")),
        usage=_usage(data.get("usage")),
        latency_ms=latency_ms,
    )


def _outcome(finish: str, text: str, refusal: str) -> tuple[Outcome, str]:
    if refusal:
        return Outcome.REFUSAL, refusal[:DETAIL_CHARS]
    if finish == "content_filter":
        return Outcome.REFUSAL, "stopped by the endpoint's content filter"
    if finish == "length":
        return Outcome.TRUNCATED, "the answer was cut off at its token limit"
    if not text:
        return Outcome.EMPTY, "the answer has no text"
    return Outcome.OK, ""


def split_thinking(content: str) -> tuple[str, str]:
    """Part a leading `<think>` block from what is said; returns (thought, said).

    A block without its opening tag is one too: some chat templates put the tag in the prompt.
    """
    if "<think" not in content and "</think" not in content:
        return "", content.strip()
    if match := THINKING.match(content):
        return match[1].strip(), content[match.end() :].strip()
    if match := UNFINISHED.match(content):
        return match[1].strip(), ""
    return "", content.strip()


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> CallResult:
    """Read an HTTP answer that is no completion.

    The detail begins with the status, the parameter and the code, so that a recorded rejection
    teaches as much as a fresh one.
    """
    message, param, code = _error_fields(body)
    outcome = FINAL_CODES.get(code) or STATUSES.get(status)
    if outcome is None:
        outcome = Outcome.SERVER_ERROR if status >= 500 else Outcome.REJECTED
    tags = "".join(f" [{tag}]" for tag in (param, code) if tag)
    return CallResult(
        outcome=outcome,
        detail=f"HTTP {status}{tags}: {message}"[:DETAIL_CHARS],
        retry_after_s=_retry_after(headers),
    )


def _error_fields(body: bytes) -> tuple[str, str, str]:
    """Return message, parameter and code of an error body, empty where it has none."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _start(body), "", ""
    error = data.get("error", data) if isinstance(data, dict) else data
    if not isinstance(error, dict):
        return _start(orjson.dumps(error)), "", ""
    message = _text(error.get("message")) or _start(orjson.dumps(error))
    return message, _text(error.get("param")), _text(error.get("code"))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After in seconds; a date is read against the answer's own Date.

    What is neither a date nor a finite number from 0 on says nothing.
    """
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        pass
    else:
        return seconds if 0 <= seconds < inf else None
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, wait.total_seconds())


def _content(content: object) -> str:
    """Return the text of a message given as a string or as parts."""
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(text for text in texts if isinstance(text, str))
    return _text(content)


def _reasoning(message: dict[str, Any]) -> str:
    return (_text(message.get("reasoning_content")) or _text(message.get("reasoning"))).strip()


def _usage(usage: object) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    return Usage(
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=_count(cached),
    )


def _count(value: object) -> int:
    return min(value, MAX_TOKENS) if type(value) is int and value >= 0 else 0


def _code(error: object) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if type(code) is int and 400 <= code < 600 else 500


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _start(body: bytes) -> str:
    """Return the beginning of a body, for people."""
    return " ".join(body[:200].decode("utf-8", "replace").split()) or "an empty body"
