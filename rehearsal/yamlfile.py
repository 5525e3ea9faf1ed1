"""A YAML file with the line of each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from domain.errors import ConfigError
from domain.faults import shown
from rehearsal.yamlguard import refuse_bombs

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1_000_000
SAID_SO = {
    "mapping values are not allowed here": "a second colon, or a line that is too far in",
    "found character '\\t' that cannot start any token": "a tab where spaces belong",
}
"""What the reader of YAML says, and what a person would."""
Lines = dict[tuple[str, ...], int]
"""The line of each key by its path, such as `("campaign", "sessions")`."""


def parse_yaml(path: Path) -> tuple[dict[str, Any], Lines]:
    """Return the keys of a YAML file and the line of each, by its path.

    Raises:
        ConfigError: The file cannot be read, is too large, holds no keys, or one of them twice.
    """
    where = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                "the run file is too large",
                where=where,
                expected=f"at most {MAX_BYTES:,} bytes",
                mend="name the run file; transcripts and casts are files of their own",
            )
        text = path.read_text(encoding="utf-8")
        refuse_bombs(text, where)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except FileNotFoundError:
        raise ConfigError(
            "the run file is not there",
            where=where,
            expected="a YAML file such as those in configs/",
            mend='copy one: cp configs/demo.yaml my-run.yaml, then name it: "my-run.yaml"',
        ) from None
    except IsADirectoryError:
        raise ConfigError(
            "the run file is a folder",
            where=where,
            expected="a YAML file such as those in configs/",
            got="a folder",
            mend=_files_in(path),
        ) from None
    except PermissionError:
        raise ConfigError(
            "the run file cannot be read",
            where=where,
            expected="a file that you may read",
            got="permission denied",
            mend=f"allow it: chmod u+r {where}",
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            "the run file is not text in UTF-8",
            where=where,
            expected="YAML as text in UTF-8",
            got=f"a byte at {error.start}",
            mend="name the run file, or save it again in UTF-8",
        ) from None
    except yaml.YAMLError as error:
        raise _no_yaml(error, where) from None
    if not isinstance(data, dict):
        raise ConfigError(
            "the run file is empty" if data is None else "the run file does not hold keys",
            where=where,
            expected="keys and values, such as `name: my-run` on a line",
            got=shown(data),
            mend="copy one to begin with: cp configs/demo.yaml my-run.yaml",
        )
    return data, lines_of(node, path)


def _no_yaml(error: yaml.YAMLError, where: str) -> ConfigError:
    """Say where the reader of YAML gave up: where what it misses began, if it knows."""
    begun, met = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    expected, _, found = problem.partition(", but ")
    at_end = "<stream end>" in found
    mark = begun if at_end and begun else met
    since = f"close what line {begun.line + 1} opens, or " if begun and expected != problem else ""
    got = (
        found.removeprefix("got ").removeprefix("found ")
        if found
        else SAID_SO.get(problem, problem)
    )
    begins = f", opened on line {begun.line + 1}" if begun else ""
    wants = expected.removeprefix("expected ") if found else "`key: value` lines"
    return ConfigError(
        "the run file is not YAML",
        where=f"{where}:{mark.line + 1}" if mark else where,
        expected=wants.replace("<block end>", "the next key, as far in as the one before"),
        got="the end of the file" + begins if at_end else got,
        mend="close what is open: a bracket or a quote that has no partner"
        if at_end
        else f"{since}look at this line and the one before: an indent, a colon or a quote",
    )


def _files_in(folder: Path) -> str:
    """The mend for a folder: a run file in it, if there is one."""
    files = sorted(folder.glob("*.yaml"))
    return f"name the file: {files[0]}" if files else "name a run file, such as my-run.yaml"


def lines_of(node: yaml.Node | None, path: Path, at: tuple[str, ...] = ()) -> Lines:
    """Map each key's path to its line; refuse a key that stands twice."""
    lines: Lines = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                raise ConfigError(
                    f'the key "{".".join(here)}" stands twice',
                    where=f"{path}:{line}",
                    expected="each key once",
                    got=f"first on line {lines[here]}",
                    mend="keep one of the two",
                )
            lines[here] = line
            lines.update(lines_of(value, path, here))
    return lines


def place(path: Path, lines: Lines, keys: tuple[str, ...]) -> str:
    """Say where a key stands: file, line and path, or of the nearest above it that has a line."""
    for length in range(len(keys), 0, -1):
        line = lines.get(keys[:length])
        if line:
            return f"{path}:{line}: {'.'.join(keys)}"
    return f"{path}: {'.'.join(keys)}" if keys else str(path)
