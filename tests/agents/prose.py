"""Requests written as prose, to be read and compared."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from tests.support.scripted import Asked

FOLDER = Path(__file__).parent / "golden"


def prose(asked: Asked) -> str:
    """Write a request out: every parameter, then every message under its role."""
    body = asked.body
    form = body.pop("response_format", None)
    messages = body.pop("messages")
    lines = [f"{name}: {orjson.dumps(value).decode()}" for name, value in body.items()]
    if form:
        schema = form["json_schema"]
        strict = "strict" if schema["strict"] else "not strict"
        lines.append(f"response_format: {form['type']} {schema['name']}, {strict}")
        lines.append(orjson.dumps(schema["schema"], option=orjson.OPT_INDENT_2).decode())
    for message in messages:
        lines += ["", f"======== {message['role']}", message["content"]]
    return "\n".join(lines) + "\n"


def matches(name: str, asked: Asked) -> None:
    """Compare a request with its file; `UPDATE_GOLDEN=1` writes the file anew."""
    file = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(prose(asked), encoding="utf-8")
    assert prose(asked) == file.read_text(encoding="utf-8")
