"""The part of JSON Schema that structured outputs use: does a value fit, and what would.

Covers type, properties, required, additionalProperties, items, enum, const, anyOf, oneOf, allOf,
`$ref` into the schema itself, and bounds on numbers and lengths (JSON Schema 2020-12). Patterns,
formats and conditionals are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

Schema = dict[str, Any]

_KINDS: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}


def misfit(schema: Schema, value: Any, where: str = "$", root: Schema | None = None) -> str:  # noqa: ANN401
    """Return why `value` does not fit `schema`, or an empty string when it does."""
    root = schema if root is None else root
    schema = _resolve(schema, root)
    checks = (_kind, _choice, _bounds, _members, _elements)
    return next((why for check in checks if (why := check(schema, value, where, root))), "")


def _resolve(schema: Schema, root: Schema) -> Schema:
    """Follow `$ref` (`#/…`) from the root."""
    while "$ref" in schema:
        target: Any = root
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            target = target.get(step, {}) if isinstance(target, dict) else {}
        schema = target
    return schema


def _kinds(schema: Schema) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _kind(schema: Schema, value: Any, where: str, root: Schema) -> str:  # noqa: ANN401
    kinds = _kinds(schema)
    if kinds and not any(_KINDS[kind](value) for kind in kinds if kind in _KINDS):
        return f"{where} is not of type {' or '.join(kinds)}"
    return ""


def _choice(schema: Schema, value: Any, where: str, root: Schema) -> str:  # noqa: ANN401
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is not one of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        return f"{where} is not {schema['const']!r}"
    either = schema.get("anyOf") or schema.get("oneOf")
    if either and all(misfit(one, value, where, root) for one in either):
        return f"{where} fits none of the alternatives"
    return next(
        (w for one in schema.get("allOf", ()) if (w := misfit(one, value, where, root))), ""
    )


def _bounds(schema: Schema, value: Any, where: str, root: Schema) -> str:  # noqa: ANN401
    low, high = "minimum", "maximum"
    if isinstance(value, str):
        low, high = "minLength", "maxLength"
    elif isinstance(value, list):
        low, high = "minItems", "maxItems"
    size = len(value) if isinstance(value, str | list) else value
    if not _KINDS["number"](size):
        return ""
    if low in schema and size < schema[low]:
        return f"{where} is under {low} {schema[low]}"
    if high in schema and size > schema[high]:
        return f"{where} is over {high} {schema[high]}"
    return ""


def _members(schema: Schema, value: Any, where: str, root: Schema) -> str:  # noqa: ANN401
    if not isinstance(value, dict):
        return ""
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{where}.{missing[0]} is missing"
    known = schema.get("properties", {})
    extra = [name for name in value if name not in known]
    if extra and schema.get("additionalProperties") is False:
        return f"{where}.{extra[0]} is not in the schema"
    inner = (
        misfit(known[name], item, f"{where}.{name}", root)
        for name, item in value.items()
        if name in known
    )
    return next((why for why in inner if why), "")


def _elements(schema: Schema, value: Any, where: str, root: Schema) -> str:  # noqa: ANN401
    items = schema.get("items")
    if not isinstance(value, list) or not isinstance(items, dict):
        return ""
    inner = (misfit(items, item, f"{where}[{i}]", root) for i, item in enumerate(value))
    return next((why for why in inner if why), "")


def example_of(schema: Schema, text: str, root: Schema | None = None) -> Any:  # noqa: ANN401
    """Return a value that fits `schema`, with `text` wherever free text may stand."""
    root = schema if root is None else root
    schema = _resolve(schema, root)
    if schema.get("enum"):
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example_of(schema[key][0], text, root)
    kind = (_kinds(schema) or ["object" if "properties" in schema else "string"])[0]
    if kind == "object":
        known = cast("dict[str, Schema]", schema.get("properties", {}))
        return {name: example_of(one, text, root) for name, one in known.items()}
    if kind == "array":
        count = max(int(schema.get("minItems", 0)), 1 if "items" in schema else 0)
        return [example_of(schema.get("items", {}), text, root) for _ in range(count)]
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return {"boolean": False, "null": None}.get(kind, text)
