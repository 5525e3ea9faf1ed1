"""`rehearsal corpus`: compare, ingest, sign-off, blend, export, reviews, stats."""

from __future__ import annotations

from typing import Annotated

import typer

from rehearsal.comparing import compare
from rehearsal.exporting import export, reviews
from rehearsal.ingesting import ingest
from rehearsal.options import (
    JsonOption,
    RunOption,
    TargetArgument,
    find_target,
    percentages,
    signer,
)

SweepOption = Annotated[
    str | None,
    typer.Option(
        "--sweep", metavar="SHARES", help="Synthetic shares in percent, such as 0,25,50,100."
    ),
]
app = typer.Typer(help="Take in real transcripts, sign, blend, export.", no_args_is_help=True)


app.command("compare")(compare)


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
    from rehearsal.writing import writing

    _, folder = find_target(target, run_dir)
    signed_by = signer(name, "--name")
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
        say(f"{len(done.records)} records signed off by {done.name}.")
        for decided, records in (
            ("Flagged and accepted", done.accepted),
            ("Rejected", done.rejected),
        ):
            if records:
                say(f"{decided}: {', '.join(records)}")


def blend(
    target: TargetArgument,
    sweep: SweepOption = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="With --sweep: how many seeds, from the run's own on.")
    ] = 1,
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split, hold out, and mix real and accepted synthetic sessions, one blend per variant.

    With --sweep, a series of blends in its place, which `train sweep` trains on: the same number of
    therapist words each, and the same sessions held out.
    """
    from corpus.blend import blend as mix
    from corpus.series import blend_sweep, sweep_folder
    from rehearsal.console import emit_json, say
    from rehearsal.runs import keep_settings
    from rehearsal.writing import writing

    settings, folder = find_target(target, run_dir)
    into = folder if sweep is None else sweep_folder(folder)
    with writing(folder):
        if sweep is None:
            made = mix(settings, folder)
        else:
            made = blend_sweep(settings, folder, percentages(sweep, "--sweep"), seeds)
        keep_settings(settings, folder)
    if as_json:
        emit_json({name: each.model_dump(mode="json") for name, each in made.items()})
        return
    for name, each in made.items():
        say(
            f"{name:<10} {each.real_sessions:>4} real + {each.synthetic_sessions:>4} synthetic "
            f"sessions, {each.supervised_words:,} therapist words: {into.blend(name)}",
        )
    for reason, count in next(iter(made.values())).left_out.items():
        if count:
            say(f"Left out of all: {count:,} {reason}")


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
