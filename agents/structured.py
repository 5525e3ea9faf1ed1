"""Answers that must fit a schema: asking for them, finding them in the text, mending them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from agents.messages import Message, user
from agents.reply import GARBLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T", bound=BaseModel)

REPAIRS = 2
"""How often a model is shown what is wrong with its answer."""

QUOTED_CHARS = 6000
"""What a repair shows of the answer at most."""

FAULTS = 8
"""How many faults a repair names at most."""

OPENINGS = 20
"""How many opening braces are tried, so that a hostile answer costs no more than a few parses."""


class InvalidAnswerError(ValueError):
    """An answer does not fit; the message is written for the model that gave it."""


@cache
def response_format(schema: type[BaseModel]) -> dict[str, Any]:
    """Return OpenAI's `response_format` for `schema`."""
    return {
        "type": "json_schema",
        "json_schema": {
            "name": schema.__name__,
            "strict": True,
            "schema": schema.model_json_schema(),
        },
    }


@cache
def packed_format(schema: type[BaseModel]) -> orjson.Fragment:
    """Return `response_format` as the bytes that orjson writes for it, written once."""
    return orjson.Fragment(orjson.dumps(response_format(schema)))


@cache
def _has_floats(schema: type[BaseModel]) -> bool:
    """Whether a field of `schema`, at any depth, is a number that need not be whole."""
    return b'"type":"number"' in orjson.dumps(schema.model_json_schema())


def find_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in `text`, or None.

    The whole text is tried first; then prose and code fences around one object are forgiven. Of
    several objects the longest counts.
    """
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _embedded(text)
    return whole if isinstance(whole, dict) else None


def _embedded(text: str) -> dict[str, Any] | None:
    start, best, best_size = text.find("{"), None, 0
    for _ in range(OPENINGS):
        if start < 0:
            break
        end = _closing(text, start)
        found = _load(text[start:end]) if end - start > best_size else None
        if found is not None:
            best, best_size = found, end - start
        start = text.find("{", end if found is not None else start + 1)
    return best


def _closing(text: str, start: int) -> int:
    """Return the position after the brace that closes the one at `start`, or `start`."""
    depth, quoted, at = 0, False, start
    while at < len(text):
        char = text[at]
        if quoted:
            at += char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "{}":
            depth += 1 if char == "{" else -1
            if not depth:
                return at + 1
        at += 1
    return start


def _load(text: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def read_answer(text: str, schema: type[T], check: Callable[[T], None] | None = None) -> T:
    """Read an answer as `schema`.

    Args:
        text: What the model said.
        schema: What it must fit.
        check: Raises `InvalidAnswerError` for what a schema cannot say, e.g. a turn that is
            not in the transcript.

    Raises:
        InvalidAnswerError: It does not fit; says how, for the model to mend.
    """
    answer = _at_once(text, schema)
    if answer is None:
        answer = _looked_for(text, schema)
    if check is not None:
        check(answer)
    return answer


def _at_once(text: str, schema: type[T]) -> T | None:
    """Read an answer that is the object and nothing else, as nearly every one is.

    None where it must be looked at more closely: it does not fit, holds escapes, or may hold
    numbers that JSON does not know, which pydantic would take for a float.
    """
    # One character is looked for by memchr, two take 3 µs in a critique.
    if "\\" in text and "\\u" in text:
        return None
    if _has_floats(schema) and ("NaN" in text or "Infinity" in text):
        return None
    try:
        return schema.model_validate_json(text)
    except ValidationError:
        return None


def _looked_for(text: str, schema: type[T]) -> T:
    found = find_object(text)
    if found is None:
        raise InvalidAnswerError("There is no complete JSON object in the answer.")
    if "\\u" in text and any(GARBLED.search(said) for said in _strings(found)):
        raise InvalidAnswerError("The answer holds control characters, which are no text.")
    try:
        return schema.model_validate_json(orjson.dumps(found))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        lines = [f"{'.'.join(map(str, f['loc'])) or 'answer'}: {f['msg']}" for f in faults]
        raise InvalidAnswerError("; ".join(lines[:FAULTS])) from None


def _strings(value: object) -> Iterator[str]:
    """Yield every string in parsed JSON; what was escaped in the answer is plain in them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


AGAIN = (
    "Give the whole answer again as one JSON object that fits the schema, and nothing around it."
)
AGAIN_SPOKEN = (
    "Say your next turn again, in role: only what this one person says, and nothing around it."
)


def ask_again(
    messages: Sequence[Message], answer: str, fault: str, *, spoken: bool = False
) -> list[Message]:
    """Return the request that shows a model its answer and what is wrong with it.

    The original messages stand first and unchanged, so that prefix caches still hit.
    """
    return [
        *messages,
        {"role": "assistant", "content": answer[:QUOTED_CHARS] or "(no text)"},
        user(f"This answer cannot be used. {fault}\n{AGAIN_SPOKEN if spoken else AGAIN}"),
    ]
