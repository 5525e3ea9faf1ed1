"""Tables of conversations in general: which columns hold what, told by the user or by their names.

A row is one utterance, or a question with its answer (counsel-chat).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from corpus.data.files import load_yaml
from corpus.formats.clock import seconds_of
from corpus.formats.limits import MAX_TEXT, MAX_UTTERANCES
from corpus.formats.notes import quality_of
from corpus.formats.raw import RawSession, Reading, Skipped, Utterance
from corpus.formats.remarks import spoken, without_remarks
from corpus.formats.tables import Row, Table, by_session
from domain.errors import TranscriptError
from domain.turn import Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Columns = dict[str, str]
"""Which column holds what: `session`, `speaker`, `text`, `start`; or `client`, `therapist`."""

_OPTIONAL = ("start", "topic", "quality", "group")
_ROLES = {"client": Speaker.CLIENT, "therapist": Speaker.THERAPIST}
_NAME = re.compile(r"^\s*((?:Dr\.?\s+)?[A-Z][\w'’.-]*(?:\s+[A-Z][\w'’.-]*){0,2})")


def mapped(table: Table, given: Mapping[str, str]) -> Columns:
    """Return which column holds what: as `given`, else by the columns' names; {} where unclear.

    Raises:
        TranscriptError: A given column is not there, or too few are given.
    """
    if given:
        return _as_given(table, given)
    return _exchange_columns(table) or _utterance_columns(table)


def kind_of(columns: Columns) -> str:
    """Name the kind of table."""
    return columns.get("kind") or ("exchanges" if "client" in columns else "csv")


def read(table: Table, columns: Columns) -> Iterator[Reading]:
    """Yield every session; one with a broken row is skipped as a whole.

    Raises:
        TranscriptError: The table is damaged.
    """
    if "client" in columns:
        yield from _exchanges(table, columns)
    else:
        yield from _conversations(table, columns)


def unclear(table: Table) -> TranscriptError:
    """The columns do not say what they hold."""
    return TranscriptError(
        "it is not clear which columns hold what",
        where=table.name,
        expected="columns for the session, the speaker and the text, or for a client's words and"
        " a therapist's answer",
        got=", ".join(table.columns)[:200],
        mend="Say which: --columns session=NAME,speaker=NAME,text=NAME"
        " (or client=NAME,therapist=NAME), or set corpus.reading.columns.",
    )


def _as_given(table: Table, given: Mapping[str, str]) -> Columns:
    for name in given.values():
        table.at(name)
    if not ({"speaker", "text"} <= given.keys() or {"client", "therapist"} <= given.keys()):
        raise unclear(table)
    return dict(given)


def _exchange_columns(table: Table) -> Columns:
    for candidate in load_yaml("columns")["exchanges"]:
        if table.has(candidate["client"], candidate["therapist"]):
            return {
                use: name for use, name in candidate.items() if use == "kind" or table.has(name)
            }
    return {}


def _utterance_columns(table: Table) -> Columns:
    by_lower = {name.lower(): name for name in reversed(table.columns)}
    found = {
        use: next(by_lower[name] for name in names if name in by_lower)
        for use, names in load_yaml("columns")["utterances"].items()
        if any(name in by_lower for name in names)
    }
    return found if {"speaker", "text"} <= found.keys() else {}


def _conversations(table: Table, columns: Columns) -> Iterator[Reading]:
    uses = [use for use in _OPTIONAL if use in columns]
    first = columns.get("session", columns["speaker"])
    names = [first, columns["speaker"], columns["text"], *(columns[use] for use in uses)]
    picked = [table.at(name) for name in names]
    if "session" in columns:
        for key, rows in by_session(table, picked):
            yield _conversation(key, rows, uses, table)
        return
    held = []
    for row in table.rows(picked):
        held.append(row)
        if len(held) > MAX_UTTERANCES:
            break
    yield _conversation("", held, uses, table)


def _conversation(key: str, rows: list[Row], uses: list[str], table: Table) -> Reading:
    place = f"{table.name}, session {key[:60]}" if key else table.name
    try:
        if len(rows) > MAX_UTTERANCES:
            raise _broken(place, f"the session has more than {MAX_UTTERANCES:,} utterances")
        clock = 3 + uses.index("start") if "start" in uses else 0
        said = tuple(_utterance(row, place, clock, table.unit) for row in rows)
        about = dict(zip(uses, (_plain(value) for value in rows[0][1][3:]), strict=True))
        return RawSession(
            place=place,
            key=key,
            source="csv" if table.unit == "line" else "table",
            utterances=tuple(one for one in said if one.text),
            topic=about.get("topic") or "unstated",
            group=about.get("group", ""),
            quality=quality_of(about.get("quality", ""), place),
        )
    except TranscriptError as error:
        return Skipped(where=place, reason=str(error))


def _utterance(row: Row, place: str, clock: int, unit: str) -> Utterance:
    line, values, fault = row
    where = f"{place}, {unit} {line}"
    if fault:
        raise _broken(where, fault)
    label, text = _plain(values[1]), values[2]
    if not label:
        raise _broken(where, "a row has no speaker")
    if text is not None and not isinstance(text, str):
        raise _broken(where, "a row's text is no text")
    said = without_remarks(text or "")
    if len(said) > MAX_TEXT:
        raise _broken(where, f"an utterance of {len(said):,} characters")
    return Utterance(label, said, seconds_of(values[clock], where) if clock else None)


def _exchanges(table: Table, columns: Columns) -> Iterator[Reading]:
    uses: list[str] = [
        use for use in ("title", "topic", "quality", "group", "names") if use in columns
    ]
    names = [columns["client"], columns["therapist"], *(columns[use] for use in uses)]
    source = columns.get("kind", "exchanges")
    for number, row in enumerate(table.rows([table.at(name) for name in names])):
        yield _exchange(number, row, uses, table, source)


def _exchange(number: int, row: Row, uses: list[str], table: Table, source: str) -> Reading:
    line, values, fault = row
    place = f"{table.name}, {table.unit} {line}"
    try:
        if fault:
            raise _broken(place, fault)
        question, answer = spoken(_plain(values[0])), spoken(_plain(values[1]))
        about = dict(zip(uses, (_plain(value) for value in values[2:]), strict=True))
        asked = _with_title(spoken(about.get("title", "")), question)
        if not asked or not answer:
            raise _broken(place, "a row has no question" if not asked else "a row has no answer")
        if max(len(asked), len(answer)) > MAX_TEXT:
            raise _broken(place, f"an utterance of more than {MAX_TEXT:,} characters")
        name = _NAME.match(about.get("names", ""))
        return RawSession(
            place=place,
            key=str(number),
            source=source,
            utterances=(Utterance("client", asked), Utterance("therapist", answer)),
            topic=about.get("topic") or "unstated",
            group=f"{source}/{about['group']}" if about.get("group") else asked,
            quality=quality_of(about.get("quality", ""), place),
            names=(name[1],) if name else (),
            roles=_ROLES,
            min_turns=2,
        )
    except TranscriptError as error:
        return Skipped(where=place, reason=str(error))


def _with_title(title: str, text: str) -> str:
    """Put a question's title in front of it, unless it is said there anyway."""
    if not title or title.rstrip("?.! ").lower() in text.lower():
        return text
    return f"{title} {text}" if text else title


def _plain(value: Any) -> str:  # noqa: ANN401 - a cell of any type
    return "" if value is None else str(value).strip()


def _broken(where: str, what: str) -> TranscriptError:
    return TranscriptError(
        what,
        where=where,
        expected="a speaker and a text in every row, or a question and an answer",
        mend="Repair the row, or export the table again.",
    )
