"""A value that fits a schema: what a role that speaks answers when it is asked for JSON."""

from __future__ import annotations

from typing import Any

from understudy.schema import Schema, kinds_of, resolve


def example_of(schema: Any, text: str, root: Schema | None = None) -> Any:  # noqa: ANN401 - raw input
    """Return a value that fits `schema`, with `text` wherever free text may stand."""
    root = schema if root is None else root
    schema = resolve(schema, root)
    if schema.get("enum"):
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return example_of(schema[key][0], text, root)
    kind = (kinds_of(schema) or ["object" if "properties" in schema else "string"])[0]
    if kind == "object":
        known: dict[str, Any] = schema.get("properties", {})
        return {name: example_of(one, text, root) for name, one in known.items()}
    if kind == "array":
        count = max(int(schema.get("minItems", 0)), 1 if "items" in schema else 0)
        return [example_of(schema.get("items", {}), text, root) for _ in range(count)]
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return {"boolean": False, "null": None}.get(kind, text)
