"""Refuses YAML that is small to write and endless to read, before anything is built from it."""

from __future__ import annotations

import yaml

from domain.errors import ConfigError

MAX_DEPTH = 50
MAX_NODES = 100_000
"""Nodes once every alias stands for what it names; a long run file has some hundred."""

_OPENS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def refuse_bombs(text: str, where: str) -> None:
    """Go through the events of `text` without building nodes.

    Raises:
        ConfigError: It is nested too deeply, or its aliases stand for too much; the line is named.
        yaml.YAMLError: It is not YAML.
    """
    count = _Count()
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        count.add(event)
        line = event.start_mark.line + 1 if event.start_mark else 1
        if len(count.open) > MAX_DEPTH:
            raise _bomb(where, line, f"more than {MAX_DEPTH} levels")
        if count.size > MAX_NODES:
            raise _bomb(where, line, f"more than {MAX_NODES:,} values, aliases followed")


class _Count:
    """How many nodes the events stand for, and which are open: anchor, and size at its begin."""

    def __init__(self) -> None:
        self.size = 0
        self.open: list[tuple[str | None, int]] = []
        self._named: dict[str, int] = {}

    def add(self, event: yaml.Event) -> None:
        """Count one event."""
        if isinstance(event, _OPENS):
            self.open.append((event.anchor, self.size))
            self.size += 1
        elif isinstance(event, _CLOSES):
            anchor, before = self.open.pop()
            if anchor:
                self._named[anchor] = self.size - before
        elif isinstance(event, yaml.AliasEvent):
            self.size += self._named.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            self.size += 1


def _bomb(where: str, line: int, got: str) -> ConfigError:
    return ConfigError(
        "the run file is built to be endless",
        where=f"{where}:{line}",
        expected=f"at most {MAX_DEPTH} levels and {MAX_NODES:,} values",
        got=got,
        mend="write its keys out, without aliases of aliases",
    )
