"""What is wrong with data that a person wrote, in that person's words rather than pydantic's.

What was expected is read from the model's JSON schema, so that a limit is said whole ("a whole
number from 3 to 60") whichever end was missed.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

Schema = dict[str, Any]
SHOWN = 80
"""Characters of a value that are repeated."""

_NUMBERS = {"integer": "a whole number", "number": "a number"}
_TYPES = {
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "keys and values",
}
_ITEMS = {
    "integer": "whole numbers",
    "number": "numbers",
    "string": "texts",
    "array": "lists",
    "object": "blocks of keys and values",
}


class Fault(NamedTuple):
    """One thing that is wrong: which key, what of it, and the mend."""

    keys: tuple[str, ...]
    what: str
    expected: str
    got: str
    mend: str


def faults_of(error: ValidationError, kind: type[BaseModel]) -> list[Fault]:
    """Return every fault that `error` found in data of `kind`, unknown keys first, one to a key."""
    root: Schema = kind.model_json_schema()
    details = error.errors(include_url=False)
    unknown = [_unknown(one, root) for one in details if one["type"] == "extra_forbidden"]
    meant = {(*fault.keys[:-1], _named(fault.mend)) for fault in unknown}
    found = {fault.keys: fault for fault in unknown}
    for one in details:
        if one["type"] == "extra_forbidden":
            continue
        fault = _missing(one, root) if one["type"] == "missing" else _misfit(one, root)
        if fault.keys not in meant:
            found.setdefault(fault.keys, fault)
    return list(found.values())


def shown(value: object) -> str:
    """Say a value as its file would, a long one by what it holds."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"keys and values: {', '.join(map(str, value))[:SHOWN]}" if value else "no keys"
    if isinstance(value, list | tuple):
        return f"a list: {', '.join(map(_in_list, value))[:SHOWN]}" if value else "an empty list"
    return repr(value)[:SHOWN]


def _in_list(value: object) -> str:
    # One level only: an alias lets a YAML file hold a list that holds itself.
    if isinstance(value, dict):
        return "keys and values"
    return "a list" if isinstance(value, list | tuple) else shown(value)


def nearest(name: str, known: Sequence[str]) -> str:
    """Return the mend of a name that is not known: the closest of those that are, if any is."""
    close = difflib.get_close_matches(name, known, n=1)
    return f'did you mean "{close[0]}"?' if close else ""


def _named(mend: str) -> str:
    return mend.split('"')[1] if '"' in mend else ""


def _unknown(detail: ErrorDetails, root: Schema) -> Fault:
    keys, at = _follow(detail["loc"][:-1], root)
    name = str(detail["loc"][-1])
    known = list(_options(at, root)[0].get("properties", {}))
    return Fault(
        (*keys, name),
        f'unknown key "{name}"',
        f"one of: {', '.join(known)}",
        name,
        nearest(name, known) or "remove it",
    )


def _missing(detail: ErrorDetails, root: Schema) -> Fault:
    keys, at = _follow(detail["loc"], root)
    name = str(detail["loc"][-1])
    return Fault(
        keys, f'the key "{name}" is missing', _words(at, root), "nothing", f"add `{name}: …`"
    )


def _misfit(detail: ErrorDetails, root: Schema) -> Fault:
    if detail["loc"][-1:] == ("[key]",):
        return _bad_name(detail, root)
    keys, at = _follow(detail["loc"], root)
    own = detail["type"] in ("value_error", "assertion_error")
    expected = "" if own else _words(at, root)
    return Fault(
        keys,
        "the value cannot be used",
        expected or detail["msg"].removeprefix("Value error, "),
        shown(detail["input"]),
        _mend(detail["input"], at, root),
    )


def _bad_name(detail: ErrorDetails, root: Schema) -> Fault:
    """A key that a person chose, such as a candidate's name, and that cannot be one."""
    keys, _ = _follow(detail["loc"][:-1], root)
    pattern = detail.get("ctx", {}).get("pattern", "")
    return Fault(
        keys,
        "the name cannot be used",
        f"a name that fits the pattern {pattern}" if pattern else detail["msg"],
        shown(detail["input"]),
        "choose another name",
    )


def _mend(value: object, at: Schema, root: Schema) -> str:
    known = [str(one) for option in _options(at, root) for one in option.get("enum", [])]
    if near := nearest(str(value), known):
        return near
    if "default" in at and not isinstance(at["default"], dict):
        return f"correct it, or leave the key out: the default is {_default(at['default'])}"
    return "correct it"


def _default(value: object) -> str:
    return "null" if value is None else shown(value).strip("'")


def _follow(loc: Sequence[str | int], root: Schema) -> tuple[tuple[str, ...], Schema]:
    """Go from the root to `loc`: the keys up to a choice of types, and the schema there.

    Of a choice pydantic reports a fault for each type and names the type in `loc`; nobody wrote
    that name, so the way ends before it.
    """
    keys: list[str] = []
    at = root
    for part in loc:
        options = _options(at, root)
        inner = _inner(options[0], part) if len(options) == 1 else None
        if inner is None:
            break
        keys.append(str(part))
        at = inner
    return tuple(keys), at


def _options(at: Schema, root: Schema) -> list[Schema]:
    """The types that may stand here, references followed, without null."""
    if "$ref" in at:
        name = at["$ref"].rsplit("/", 1)[-1]
        return _options(root["$defs"][name], root)
    if "anyOf" in at:
        found = [option for one in at["anyOf"] for option in _options(one, root)]
        return [one for one in found if one.get("type") != "null"] or found
    return [at]


def _inner(at: Schema, part: str | int) -> Schema | None:
    if isinstance(part, int):
        listed: list[Schema] = at.get("prefixItems", [])
        return listed[part] if part < len(listed) else at.get("items")
    of_key: Schema | None = at.get("properties", {}).get(part)
    if of_key is not None:
        return of_key
    others = at.get("additionalProperties") or next(
        iter(at.get("patternProperties", {}).values()), None
    )
    return others if isinstance(others, dict) else None


def _words(at: Schema, root: Schema) -> str:
    """Say what may stand here: "a whole number of at least 1, or null"."""
    said = list(dict.fromkeys(_type_words(option, root) for option in _options(at, root)))
    if any(one.get("type") == "null" for one in at.get("anyOf", [])):
        said.append("null")
    return ", or ".join(word for word in said if word)


def _type_words(at: Schema, root: Schema) -> str:
    kind = at.get("type", "")
    if "enum" in at:
        return f"one of: {', '.join(map(str, at['enum']))}"
    if "const" in at:
        return str(at["const"])
    if kind in _NUMBERS:
        return _NUMBERS[kind] + _limits(at)
    if kind == "string":
        return _pattern_words(at)
    if kind == "array":
        return "a list" + _items(at, root)
    return _TYPES.get(kind, "")


def _items(at: Schema, root: Schema) -> str:
    each = at.get("prefixItems") or [at.get("items", {})]
    kinds = {option.get("type", "") for one in each for option in _options(one, root)}
    word = _ITEMS.get(kinds.pop(), "") if len(kinds) == 1 else ""
    count = f"{len(at['prefixItems'])} " if "prefixItems" in at else ""
    return f" of {count}{word}" if word else ""


def _limits(at: Schema) -> str:
    least, most = at.get("minimum"), at.get("maximum")
    above, below = at.get("exclusiveMinimum"), at.get("exclusiveMaximum")
    if least is not None and most is not None:
        return f" from {_plain(least)} to {_plain(most)}"
    ends = {"of at least": least, "above": above, "of at most": most, "below": below}
    said = [f"{word} {_plain(end)}" for word, end in ends.items() if end is not None]
    return f" {' and '.join(said)}" if said else ""


def _plain(end: float) -> str:
    return f"{end:,}" if isinstance(end, int) else f"{end:g}"


def _pattern_words(at: Schema) -> str:
    if "pattern" not in at:
        return "text, not empty" if at.get("minLength") else "text"
    return str(at.get("description") or f"text that fits the pattern {at['pattern']}")
