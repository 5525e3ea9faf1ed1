"""A cast as a file: written beside the plan, read back, edited, shared and played again."""

from __future__ import annotations

import hashlib
from itertools import chain
from typing import TYPE_CHECKING

import orjson
from pydantic import ValidationError

from campaigns.manifest import write_atomically
from campaigns.textlines import misfit, text_lines
from domain.base import Noun
from domain.cast import CastMember, MadeBy, Making, cast_id
from domain.errors import ConfigError
from domain.scenario import PlanItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_USUAL = Making()


def cast_lines(
    plan: Iterable[bytes], made: Mapping[int, Making] | None = None, usual: Making = _USUAL
) -> Iterator[bytes]:
    """Yield the lines of a cast, given those of its plan.

    Args:
        plan: Canonical plan items.
        made: How each came about, by its place in `plan`.
        usual: How those came about that `made` does not name.
    """
    for at, line in enumerate(plan):
        item = orjson.loads(line)
        shown = {"persona": item["persona"], "scenario": item["scenario"]}
        digest = hashlib.sha256(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)).hexdigest()
        making = (made or {}).get(at, usual)
        whole = {"id": f"cast-{digest[:16]}", **shown, **making.model_dump()}
        yield orjson.dumps(whole, option=orjson.OPT_SORT_KEYS) + b"\n"


def write_cast(path: Path, lines: Iterable[bytes]) -> None:
    """Write a cast.

    Raises:
        StoreError: It cannot be written.
    """
    write_atomically(path, lines)


def add_to_cast(path: Path, kept: int, lines: Iterable[bytes]) -> None:
    """Write what a round added after the first `kept` lines of the file.

    Raises:
        StoreError: It cannot be written.
    """
    before = path.read_bytes().splitlines(keepends=True)[:kept] if path.is_file() else []
    write_atomically(path, chain(before, lines))


def read_cast(path: Path) -> list[CastMember]:
    """Read a cast: lines of cast.jsonl, or of a plan. An edited line has the id of what it holds.

    Raises:
        ConfigError: The file cannot be read, is empty, or a line is neither; the line is named.
    """
    lines = text_lines(path, "the cast", "a JSONL file in UTF-8: a cast.jsonl, or a plan.jsonl")
    members = [_member(path, number, line) for number, line in lines]
    if not members:
        raise ConfigError(
            "the cast is empty",
            where=str(path),
            expected="one persona with its scenario a line",
            mend='"rehearsal cast make CONFIG" writes one.',
        )
    return members


def _member(path: Path, number: int, line: str) -> CastMember:
    planned = '"campaign_seed"' in line and '"id"' not in line
    try:
        if planned:
            item = PlanItem.model_validate_json(line)
            return CastMember(
                id=cast_id(item.persona, item.scenario),
                persona=item.persona,
                scenario=item.scenario,
                made_by=MadeBy.BROUGHT,
            )
        found = CastMember.model_validate_json(line)
        return found.model_copy(update={"id": found.own_id})
    except ValidationError as error:
        raise misfit(
            path,
            number,
            error,
            PlanItem if planned else CastMember,
            "a line of the cast is no persona with its scenario",
            "a line as in cast.jsonl or plan.jsonl",
        ) from error


def edited(path: Path) -> tuple[int, ...]:
    """Return the numbers of the lines whose id is not that of what they hold."""
    found = []
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            named = orjson.loads(line).get("id") if line.strip() else None
            if named is not None:
                member = CastMember.model_validate_json(line)
                if member.own_id != named:
                    found.append(number)
    return tuple(found)


class Brought(Noun):
    """What was brought in."""

    file: str
    personas: int
    renamed: int
    """Lines that had been edited: their ids are new."""
    doubles: int
    """Lines that stood there before; they are left out."""


def bring_in(path: Path, out: Path) -> Brought:
    """Read a cast from elsewhere and write it as ours, every line named by what it holds.

    Raises:
        ConfigError: A line is no persona with its scenario; it is named.
        StoreError: The cast cannot be written.
    """
    members = read_cast(path)
    once = {member.id: member for member in members}
    renamed = len(edited(path))
    write_atomically(out, member_lines(list(once.values())))
    return Brought(
        file=str(out),
        personas=len(once),
        renamed=renamed,
        doubles=len(members) - len(once),
    )


def member_lines(members: Sequence[CastMember]) -> Iterator[bytes]:
    """Yield a cast's lines."""
    for member in members:
        yield orjson.dumps(member.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS) + b"\n"
