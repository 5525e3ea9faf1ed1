"""The keys of a run file as a page: names, types, defaults, meanings, from the code.

`python -m rehearsal.reference` writes `docs/runfile.md`; a test holds that the page is fresh.
"""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from domain.price import Price
from domain.settings import CASTER, EndpointSettings, RoleSettings, RolesSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

PAGE = Path(__file__).resolve().parent.parent / "docs" / "runfile.md"

_HEAD = """# Run file

Every key of a run file, from `domain/settings/`; this page is written by
`python -m rehearsal.reference` and a test fails where it is stale. A key that is left out has its
default, an unknown one is refused with its line. `configs/` holds complete files. Two things lie
over the file: `REHEARSAL_CAMPAIGN__SESSIONS=50` sets `campaign.sessions`, any key likewise, and
`OPENAI_BASE_URL` is `endpoint.base_url` where the file is silent. The effective file is kept as
`config.yaml` in the run's folder.
"""
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "min_length": "length ≥"}
_SIMPLE = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def reference() -> str:
    """Return the page."""
    sections = [_HEAD, *_section("", Settings)]
    sections += [f"## prices.MODEL\n\n{_doc(Price)}\n\n{_table(Price)}"]
    return "\n".join(sections).rstrip() + "\n"


def _section(path: str, model: type[BaseModel]) -> Iterator[str]:
    """Yield the model's section and those of what it holds."""
    title = f"## {path}" if path else "## At the top"
    if model is RolesSettings:
        yield from _roles(path, title)
        return
    own, inner = {}, []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            inner.append((f"{path}.{name}" if path else name, kind))
        else:
            own[name] = field
    yield f"{title}\n\n{_doc(model)}\n\n{_table(model, own)}"
    for place, kind in inner:
        yield from _section(place, kind)


def _roles(path: str, title: str) -> Iterator[str]:
    """All roles have the same keys; their defaults differ."""
    shared = EndpointSettings.model_fields
    own = {key: field for key, field in RoleSettings.model_fields.items() if key not in shared}
    names = ", ".join(f"`{name}`" for name in RolesSettings.model_fields)
    lines = [f"| default of | {' | '.join(f'`{key}`' for key in own)} |", "|---" * (len(own) + 1)]
    lines[1] += "|"
    for name, field in RolesSettings.model_fields.items():
        default = CASTER if field.default is None else field.default
        values = (_value(getattr(default, key)) for key in own)
        lines.append(f"| `{path}.{name}` | {' | '.join(values)} |")
    table = "\n".join(lines)
    yield (
        f"{title}\n\n{_doc(RolesSettings)} One section each for {names}: the keys below, and "
        f"all of `endpoint`, which they have from there unless they set their own.\n\n"
        f"{_table(RoleSettings, own)}\n\n{table}\n"
    )


def _doc(model: type[BaseModel]) -> str:
    return " ".join(inspect.cleandoc(model.__doc__ or "").split())


def _table(model: type[BaseModel], fields: dict[str, FieldInfo] | None = None) -> str:
    meanings = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            meanings.update(_meanings(base))
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in (model.model_fields if fields is None else fields).items():
        cells = f"`{name}`", _type(field), _default(field), meanings.get(name, "")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """Return the strings that stand under a class's fields."""
    told, last = {}, None
    tree = ast.parse(inspect.getsource(model))
    for line in (line for found in tree.body for line in getattr(found, "body", ())):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            last = line.target.id
        elif last and isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
            told[last], last = " ".join(str(line.value.value).split()), None
        else:
            last = None
    return told


def _type(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(limit, name)}"
        for limit in field.metadata
        for name, sign in _BOUNDS.items()
        if getattr(limit, name, None) is not None
    ]
    return ", ".join([_kind(field.annotation), *bounds])


def _kind(kind: Any) -> str:  # noqa: ANN401 - any annotation
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _kind(inner[0])
    if origin in {Union, UnionType}:
        return " or ".join("null" if one is NoneType else _kind(one) for one in inner)
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in inner)
    if origin is tuple:
        return f"list of {_kind(inner[0])}"
    if origin is dict:
        return f"{_kind(inner[1])} by {_kind(inner[0])}"
    if issubclass(kind, BaseModel):
        shared = EndpointSettings.model_fields if issubclass(kind, EndpointSettings) else {}
        own = " and ".join(f"`{name}`" for name in kind.model_fields if name not in shared)
        return f"keys {own} and those of `endpoint`" if shared else f"keys {own}"
    return _SIMPLE[kind] if kind in _SIMPLE else str(kind.__name__).lower()


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "" if field is Settings.model_fields["name"] else "required"
    return _value(field.get_default(call_default_factory=True, validated_data={}))


def _value(value: object) -> str:
    return f"`{json.dumps(value, ensure_ascii=False, default=list)}`"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
