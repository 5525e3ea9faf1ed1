"""The part of JSON Schema that structured outputs use: does a value fit.

Covers type, properties, required, additionalProperties, items, enum, const, anyOf, oneOf, allOf,
`$ref` into the schema itself, and bounds on numbers and lengths (JSON Schema 2020-12). Patterns,
formats and conditionals are not looked at.

A schema is made into a check once and kept: requests bring the same few schemas again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import orjson

Schema = dict[str, Any]
Check = Callable[[Any], str]
"""Says why a value does not fit, behind where in it (`.score is over …`); nothing where it fits."""

KEPT = 64
"""Schemas whose checks are kept."""
REFERENCES = 32
"""References followed in a row; a longer chain is a circle and asks for nothing."""

_KINDS: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}


def misfit(schema: Schema, value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return why `value` does not fit `schema`, or an empty string when it does."""
    why = _check_of(orjson.dumps(schema))(value)
    return f"${why}" if why else ""


@lru_cache(maxsize=KEPT)
def _check_of(schema: bytes) -> Check:
    root = orjson.loads(schema)
    return _Maker(root).make(root)


def resolve(schema: Any, root: Schema) -> Schema:  # noqa: ANN401 - raw input
    """Follow `$ref` (`#/…`) from the root; what leads nowhere asks for nothing."""
    for _ in range(REFERENCES):
        if not isinstance(schema, dict):
            break
        if "$ref" not in schema:
            return schema
        target: Any = root
        for step in str(schema["$ref"]).removeprefix("#").removeprefix("/").split("/"):
            if step:
                target = target.get(step, {}) if isinstance(target, dict) else {}
        schema = target
    return {}


def kinds_of(schema: Schema) -> list[str]:
    """Return the types that a schema names."""
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


class _Maker:
    """Makes the checks of one schema and of what it refers to."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self.made: dict[int, Check] = {}

    def make(self, schema: Any) -> Check:  # noqa: ANN401 - raw input
        """Return the check of `schema`; one that refers to itself is looked up when it is used."""
        schema = resolve(schema, self.root)
        key = id(schema)
        if key not in self.made:
            self.made[key] = lambda value: self.made[key](value)
            makers = (_kind, self._choice, _bounds, self._members, self._elements)
            self.made[key] = _all(*filter(None, (maker(schema) for maker in makers)))
        return self.made[key]

    def _choice(self, schema: Schema) -> Check | None:
        checks = [*_constants(schema)]
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if alternatives:
            checks.append(_any(*map(self.make, alternatives)))
        checks += map(self.make, schema.get("allOf", ()))
        return _all(*checks) if checks else None

    def _members(self, schema: Schema) -> Check | None:
        required = tuple(schema.get("required", ()))
        known = {name: self.make(one) for name, one in schema.get("properties", {}).items()}
        closed = schema.get("additionalProperties") is False
        return _object(required, known, closed=closed) if required or known or closed else None

    def _elements(self, schema: Schema) -> Check | None:
        if not isinstance(schema.get("items"), dict):
            return None
        fits = self.make(schema["items"])

        def check(value: Any) -> str:  # noqa: ANN401 - any JSON value
            if isinstance(value, list):
                for at, item in enumerate(value):
                    if why := fits(item):
                        return f"[{at}]{why}"
            return ""

        return check


def _all(*checks: Check) -> Check:
    if len(checks) == 1:
        return checks[0]

    def check(value: Any) -> str:  # noqa: ANN401 - any JSON value
        for one in checks:
            if why := one(value):
                return why
        return ""

    return check


def _any(*checks: Check) -> Check:
    def check(value: Any) -> str:  # noqa: ANN401 - any JSON value
        for one in checks:
            if not one(value):
                return ""
        return " fits none of the alternatives"

    return check


def _object(required: tuple[str, ...], known: dict[str, Check], *, closed: bool) -> Check:
    def check(value: Any) -> str:  # noqa: ANN401 - any JSON value
        if not isinstance(value, dict):
            return ""
        missing = next((name for name in required if name not in value), None)
        if missing is not None:
            return f".{missing} is missing"
        if closed and not value.keys() <= known.keys():
            extra = next(name for name in value if name not in known)
            return f".{extra} is not in the schema"
        for name, item in value.items():
            if name in known and (why := known[name](item)):
                return f".{name}{why}"
        return ""

    return check


def _kind(schema: Schema) -> Check | None:
    kinds = kinds_of(schema)
    tests = [_KINDS[kind] for kind in kinds if kind in _KINDS]
    why = f" is not of type {' or '.join(kinds)}"
    if len(tests) == 1:
        test = tests[0]
        return lambda value: "" if test(value) else why
    return (lambda value: "" if any(test(value) for test in tests) else why) if kinds else None


def _constants(schema: Schema) -> list[Check]:
    checks: list[Check] = []
    if "enum" in schema:
        listed = schema["enum"]
        checks.append(lambda value: "" if value in listed else f" is not one of {listed}")
    if "const" in schema:
        only = schema["const"]
        checks.append(lambda value: "" if value == only else f" is not {only!r}")
    return checks


def _bounds(schema: Schema) -> Check | None:
    names = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
    limits = {name: schema[name] for name in names if name in schema}
    if not limits:
        return None

    def check(value: Any) -> str:  # noqa: ANN401 - any JSON value
        low, high, size = "minimum", "maximum", value
        if isinstance(value, str):
            low, high, size = "minLength", "maxLength", len(value)
        elif isinstance(value, list):
            low, high, size = "minItems", "maxItems", len(value)
        if not _KINDS["number"](size):
            return ""
        if low in limits and size < limits[low]:
            return f" is under {low} {limits[low]}"
        if high in limits and size > limits[high]:
            return f" is over {high} {limits[high]}"
        return ""

    return check
