"""What a person says about transcripts, and what is shown of them before they come in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from domain.errors import ConfigError
from domain.settings import ReadingSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from corpus.gather import FileRead
    from corpus.ingest import IngestSummary
    from corpus.preview import Preview
    from corpus.speakers import Ask

LISTED = 12
"""Files, remarks and reasons of one kind that are listed; the others are counted, and --json has
them."""
QUOTED = 160
"""Characters of an utterance that are shown."""

_TOLD = {
    "config": "as you said",
    "format": "as the format defines",
    "name": "by their labels",
    "elimination": "one by its label, the other as the other side",
    "questions": "assumed from who asks the questions",
    "answer": "as you answered",
}


def with_reading(
    settings: Settings,
    columns: str | None,
    therapist: Sequence[str] | None,
    client: Sequence[str] | None,
    nobody: Sequence[str] | None,
    encoding: str | None,
) -> Settings:
    """Return the settings with what the options say of the transcripts.

    Raises:
        ConfigError: The options cannot be read, or contradict each other.
    """
    from pydantic import ValidationError

    given = {
        "columns": _columns(columns),
        "therapist": therapist,
        "client": client,
        "nobody": nobody,
        "encoding": encoding,
    }
    said = {name: value for name, value in given.items() if value}
    if not said:
        return settings
    try:
        reading = ReadingSettings.model_validate({**settings.corpus.reading.model_dump(), **said})
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            "the option cannot be used",
            where="--" + str(first["loc"][0]),
            expected=first["msg"],
            got=repr(first.get("input"))[:60],
        ) from None
    corpus = settings.corpus.model_copy(update={"reading": reading})
    return settings.model_copy(update={"corpus": corpus})


def _columns(text: str | None) -> dict[str, str]:
    if not text:
        return {}
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(use.strip() and name.strip() for use, _, name in pairs):
        raise ConfigError(
            "the option cannot be read",
            where="--columns",
            expected="session=NAME,speaker=NAME,text=NAME",
            got=text[:80],
            mend="Write a use, =, and the column's name; commas between them.",
        )
    return {use.strip(): name.strip() for use, _, name in pairs}


def asker() -> Ask | None:
    """Return what asks a person who the therapist is; None where nobody sits at a terminal."""
    return _ask if sys.stdin.isatty() and sys.stderr.isatty() else None


def _ask(place: str, said: Mapping[str, Sequence[str]]) -> str | None:
    """Show what each speaker says first, and let the person choose."""
    import typer

    from rehearsal.console import stderr, width_of, wrapped

    console, labels = stderr(), list(said)
    console.print(f"\n{place}: who is the therapist?", markup=False)
    for number, label in enumerate(labels, start=1):
        console.print(f"  {number}  {label}", markup=False)
        for text in said[label]:
            line = wrapped(f"     “{_short(text)}”", width_of(sys.stderr), "      ")
            console.print(line, markup=False, highlight=False)
    answer = typer.prompt(
        f"1 to {len(labels)}, or Enter to leave it out", default="", show_default=False, err=True
    )
    number = int(answer) if answer.strip().isdecimal() else 0
    return labels[number - 1] if 1 <= number <= len(labels) else None


def _short(text: str) -> str:
    return text if len(text) <= QUOTED else text[: QUOTED - 1].rstrip() + "…"


def show_preview(seen: Preview) -> None:
    """Print what would come in."""
    from rehearsal.console import say, tell

    summary = seen.summary
    tell(
        f"{_many(summary.records, 'conversation')} would come in from "
        f"{_many(summary.files, 'file')}: {summary.turns:,} turns, {summary.words:,} words. "
        "Nothing was written."
    )
    say()
    for one in summary.read[:LISTED]:
        tell(_file_line(one), "    ")
    _and_more(summary.files - len(summary.read[:LISTED]), "file")
    say()
    told = "; ".join(f"{number:,} {_TOLD[how]}" for how, number in summary.roles.items())
    tell(f"Who is who: {told}.")
    quality = ", ".join(f"{n:,} {name}" for name, n in summary.by_quality.items() if n)
    tell(f"Quality: {quality}. With times: {summary.timed:,} of {summary.records:,}.")
    show_left_out(summary)
    say()
    say("The first of them begins, after screening:")
    for turn in seen.sample:
        clock = "" if turn.start_s is None else f"{_clock(turn.start_s)} "
        tell(f"  {clock}{turn.speaker}: {_short(turn.text)}", "      ")


def _file_line(one: FileRead) -> str:
    if not one.format:
        return f"{one.file}: left out, {one.why}"
    code = "" if one.encoding in {"", "utf-8"} else f" in {one.encoding}"
    skipped = f", {one.skipped:,} left out" if one.skipped else ""
    return f"{one.file}: {one.format}{code}, {_many(one.sessions, 'session')}{skipped}; {one.why}"


def show_left_out(summary: IngestSummary) -> None:
    """Print what was left out and why, and what was assumed."""
    from rehearsal.console import say, tell

    for skipped in summary.skipped[:LISTED]:
        tell(f"Left out: {skipped.reason}", "    ")
    _and_more(summary.left_out - LISTED, "one left out", "left out")
    for note in summary.notes[:LISTED]:
        tell(f"Note: {note}", "    ")
    _and_more(len(summary.notes) - LISTED, "note")
    if summary.left_out + len(summary.notes) > 2 * LISTED:
        say("    (--json lists them)")


def _and_more(number: int, one: str, many: str = "") -> None:
    from rehearsal.console import say

    if number > 0:
        say(f"    and {_many(number, 'more ' + one, 'more ' + many if many else '')}")


def _many(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:d}:{minutes % 60:02d}:{rest:02d}"
