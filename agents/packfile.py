"""Reading one file of a pack: strict YAML, and errors that name file and key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from domain.errors import PackError
from domain.faults import Fault, faults_of
from measures.quickyaml import QuickLoader

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from pathlib import Path

M = TypeVar("M", bound=BaseModel)


class _StrictLoader(QuickLoader):
    """YAML without duplicate keys: the plain loader lets the last one win in silence."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[object] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f'the key "{key}" stands there twice', key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_text(path: Path, where: str) -> str:
    """Read a UTF-8 file of a pack.

    Raises:
        PackError: It is missing, unreadable, not UTF-8, or empty.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PackError(
            "the file is missing",
            where=where,
            expected="a file named in pack.yaml",
            got="nothing",
            mend="Add the file, or correct its name in pack.yaml.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(
            "the file cannot be read",
            where=where,
            expected="a readable file in UTF-8",
            got=str(error),
            mend="Save the file as UTF-8 and make it readable.",
        ) from error
    if not text.strip():
        raise PackError(
            "the file is empty",
            where=where,
            expected="content",
            got="an empty file",
            mend="Fill the file, or take it out of the pack.",
        )
    return text


def read_yaml(path: Path, where: str) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        PackError: The file is missing, empty, not YAML, has a key twice, or is no mapping.
    """
    text = read_text(path, where)
    try:
        data = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise PackError(
            "the file is not the YAML it should be",
            where=f"{where}:{mark.line + 1}" if mark else where,
            expected="YAML with every key once",
            got=str(getattr(error, "problem", None) or error),
            mend="Correct the line.",
        ) from error
    if not isinstance(data, dict):
        raise PackError(
            "the file holds no mapping",
            where=where,
            expected="keys and values",
            got=type(data).__name__,
            mend="Write it as `key: value` lines.",
        )
    return data


def parse(kind: type[M], data: object, where: str) -> M:
    """Validate `data` as `kind`.

    Raises:
        PackError: It does not fit; every fault is named with its key.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first, *others = [_told(fault, where) for fault in faults_of(error, kind)]
        first.also = tuple(others)
        raise first from error


def _told(fault: Fault, where: str) -> PackError:
    key = ".".join(fault.keys)
    return PackError(
        fault.what,
        where=f"{where}: {key}" if key else where,
        expected=fault.expected,
        got=fault.got,
        mend=f"{fault.mend}; packs/cbt shows a complete pack",
    )


def unique(names: Iterable[str], what: str) -> None:
    """Refuse a name that stands twice.

    Raises:
        ValueError: Names the first double, for pydantic to place.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f'every {what} once; "{name}" stands twice')
        seen.add(name)
