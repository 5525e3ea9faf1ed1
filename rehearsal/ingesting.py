"""`rehearsal corpus ingest`: real transcripts into quarantine, or a look at what would come in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rehearsal.options import (
    JsonOption,
    RunOption,
    TargetArgument,
    find_target,
    signer,
    with_transcripts,
)

if TYPE_CHECKING:
    from corpus.ingest import IngestSummary
    from corpus.signoff import SignOff
    from corpus.speakers import Ask
    from domain.runfolder import RunFolder
    from domain.settings import Settings

SignOffOption = Annotated[
    str | None,
    typer.Option("--sign-off", metavar="NAME", help="Who has read the review and signs for it."),
]


def ingest(
    target: TargetArgument,
    transcripts: Annotated[
        Path | None, typer.Option(help="File or folder; default: corpus.transcripts of the run.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of these transcripts (default: unstated).")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="Which column of a table holds what: session=A,speaker=B,text=C[,start=D], "
            "or client=A,therapist=B."
        ),
    ] = None,
    therapist: Annotated[
        list[str] | None, typer.Option(help="Speaker label of the therapist; may be repeated.")
    ] = None,
    client: Annotated[
        list[str] | None, typer.Option(help="Speaker label of the client; may be repeated.")
    ] = None,
    nobody: Annotated[
        list[str] | None, typer.Option(help="Speaker label to leave out; may be repeated.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the files, e.g. cp1251 (default: found out).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would come in, and write nothing.")
    ] = False,
    sign_off: SignOffOption = None,
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read real transcripts into quarantine; nothing uses them until somebody signs."""
    from rehearsal.console import emit_json, say
    from rehearsal.reading import asker, with_reading
    from rehearsal.runs import keep_settings

    settings, folder = find_target(target, run_dir)
    signed_by = None if sign_off is None else signer(sign_off, "--sign-off")
    if transcripts is not None:
        settings = with_transcripts(settings, transcripts, licence)
    settings = with_reading(settings, columns, therapist, client, nobody, encoding)
    from corpus.ingest import ingest as take_in
    from corpus.signoff import why_left_out
    from rehearsal.transcripts import transcripts_of
    from rehearsal.wording import counted
    from rehearsal.writing import writing

    source, ask = transcripts_of(settings), None if as_json else asker()
    if dry_run:
        _preview(source, settings, ask, as_json=as_json)
        return
    with writing(folder):
        summary = take_in(source, folder, settings.corpus, ask)
        keep_settings(settings, folder)
        done = _sign(folder, signed_by) if signed_by else None
    signed = len(done.records) if done else 0
    left_out = done.rejected if done else ()
    if as_json:
        emit_json({**summary.model_dump(mode="json"), "signed_off": signed, "rejected": left_out})
    else:
        show_ingest(summary, folder, signed=done is not None)
        if done and signed:
            say(f"{counted(signed, 'record')} signed off by {done.name}.")
        for flagged in left_out:
            say(f"Left out {flagged}: {why_left_out(folder, flagged)}")


def _sign(folder: RunFolder, name: str) -> SignOff:
    """Sign for all at once; what is flagged is not used without somebody's saying so."""
    from corpus.signoff import ALL
    from corpus.signoff import sign_off as sign

    return sign(folder, name, reject=(ALL,))


def _preview(source: Path, settings: Settings, ask: Ask | None, *, as_json: bool) -> None:
    from corpus.preview import preview
    from rehearsal.console import emit_json
    from rehearsal.reading import show_preview

    seen = preview(source, settings.corpus, ask)
    if as_json:
        emit_json(
            {
                "dry_run": True,
                **seen.summary.model_dump(mode="json"),
                "sample": [turn.model_dump(mode="json") for turn in seen.sample],
            }
        )
    else:
        show_preview(seen)


def show_ingest(summary: IngestSummary, folder: RunFolder, *, signed: bool = False) -> None:
    """Print what came in, what was skipped and why, and what to look at before signing.

    Args:
        summary: What came in.
        folder: The run's folder.
        signed: Whether it is signed for at once.
    """
    from rehearsal.console import say
    from rehearsal.reading import show_left_out
    from rehearsal.wording import counted

    quality = ", ".join(f"{number} {name}" for name, number in summary.by_quality.items())
    say(
        f"{summary.records} real sessions read ({quality}); format: {', '.join(summary.formats)}.",
    )
    replaced = ", ".join(f"{number} {kind}" for kind, number in summary.spans.items())
    say(f"Replaced: {replaced or 'nothing'}.")
    if summary.signed_before or summary.rejected_before:
        say(
            f"As before: {summary.signed_before} signed for, {summary.rejected_before} rejected"
            " (these stay out; sign with --accept RECORD to use one)."
        )
    if summary.flagged:
        say(f"Flagged: {counted(summary.flagged, 'record')}: decide on each when you sign.")
    show_left_out(summary)
    say(f"{'What was signed for' if signed else 'Read before signing'}: {folder.review}")
