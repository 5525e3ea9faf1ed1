"""`rehearsal corpus`: compare, ingest, sign-off, blend, export, reviews, stats."""

from __future__ import annotations

from typing import Annotated

import typer

from rehearsal.blending import blend
from rehearsal.comparing import compare
from rehearsal.exporting import export, reviews
from rehearsal.ingesting import ingest
from rehearsal.options import (
    JsonOption,
    RunOption,
    TargetArgument,
    find_target,
    signer,
)
from rehearsal.verbs import Verbs

app = Verbs(help="Take in real transcripts, sign, blend, export.", no_args_is_help=True)


def sign_off(
    target: TargetArgument,
    name: Annotated[str, typer.Option("--name", help="Who has read the review.")],
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RECORD",
            help="A flagged or rejected record to use all the same; `all` for every flagged one.",
        ),
    ] = None,
    reject: Annotated[
        list[str] | None,
        typer.Option(metavar="RECORD", help="A record to throw out; `all` for the flagged ones."),
    ] = None,
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Release the quarantined records of a run, by name; flagged ones each by a decision."""
    from corpus.signoff import sign_off as sign
    from rehearsal.console import emit_json, say
    from rehearsal.wording import counted
    from rehearsal.writing import writing

    signed_by = signer(name, "--name")
    _, folder = find_target(target, run_dir)
    with writing(folder):
        done = sign(folder, signed_by, accept or (), reject or ())
    if as_json:
        emit_json(
            {
                "signed_off": len(done.records),
                "by": done.name,
                "at": done.at,
                "accepted": done.accepted,
                "rejected": done.rejected,
            }
        )
    else:
        say(f"{counted(len(done.records), 'record')} signed off by {done.name}.")
        for decided, records in (
            ("Flagged and accepted", done.accepted),
            ("Rejected", done.rejected),
        ):
            if records:
                say(f"{decided}: {', '.join(records)}")


def stats(target: TargetArgument, run_dir: RunOption = None, as_json: JsonOption = False) -> None:
    """Count what a run's corpus holds, and what was decided on its real sessions."""
    from rich.table import Table

    from corpus.stats import corpus_stats, decisions
    from rehearsal.console import emit_json, say, show

    _, folder = find_target(target, run_dir)
    found, decided = corpus_stats(folder), decisions(folder)
    if as_json:
        sets = {name: each.model_dump(mode="json") for name, each in found.items()}
        emit_json({**sets, "decisions": decided.model_dump(mode="json")})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("where", "sessions", "high", "low", "turns", "words/therapist turn", "talk share"):
        table.add_column(head, justify="left" if head == "where" else "right")
    for name, row in found.items():
        table.add_row(
            name,
            f"{row.records:,}",
            f"{row.by_quality.get('high', 0):,}",
            f"{row.by_quality.get('low', 0):,}",
            f"{row.turns:,}",
            f"{row.words_per_therapist_turn:.1f}",
            f"{row.therapist_talk_share:.2f}",
        )
    show(table)
    say(f"Real: {decided.signed} signed for, {decided.open} open, {decided.rejected} rejected.")


for name, verb in (
    ("compare", compare),
    ("ingest", ingest),
    ("sign-off", sign_off),
    ("blend", blend),
    ("export", export),
    ("reviews", reviews),
    ("stats", stats),
):
    app.command(name)(verb)
