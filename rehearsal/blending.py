"""`rehearsal corpus blend`: what each variant learns from, and what was left out of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rehearsal.options import JsonOption, RunOption, TargetArgument, find_target, percentages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from corpus.blend import BlendSummary
    from domain.runfolder import RunFolder

SweepOption = Annotated[
    str | None,
    typer.Option(
        "--sweep", metavar="SHARES", help="Synthetic shares in percent, such as 0,25,50,100."
    ),
]


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
    from corpus.canaries import planted
    from corpus.series import blend_sweep, sweep_folder
    from rehearsal.console import emit_json, tell
    from rehearsal.runs import keep_settings
    from rehearsal.writing import writing

    settings, folder = find_target(target, run_dir)
    into = folder if sweep is None else sweep_folder(folder)
    shares = () if sweep is None else percentages(sweep, "--sweep")
    with writing(folder):
        made = blend_sweep(settings, folder, shares, seeds) if shares else mix(settings, folder)
        keep_settings(settings, folder)
    if as_json:
        emit_json({name: each.model_dump(mode="json") for name, each in made.items()})
    else:
        show_blends(made, into)
        if count := len(planted(0, settings.corpus.canaries, settings.seed)):
            tell(
                f"Of the synthetic sessions of each blend, {count:,} are canaries: a random number "
                "in a short session, by which training says what a model learns by heart."
            )


def show_blends(made: Mapping[str, BlendSummary], into: RunFolder) -> None:
    """Print each blend with its repetition, and what none of them holds, by reason."""
    from rich.table import Table

    from rehearsal.console import say, show

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("blend", "real", "synthetic", "different ones", "therapist words"):
        table.add_column(head, justify="left" if head == "blend" else "right", no_wrap=True)
    for name, each in made.items():
        counts = (each.real_sessions, each.synthetic_sessions, each.distinct)
        table.add_row(name, *(f"{n:,}" for n in (*counts, each.supervised_words)))
    show(table)
    if any(each.distinct < each.sessions for each in made.values()):
        say("Where there are fewer different ones than sessions, some come up more than once.")
    any_of_them = next(iter(made.values()))
    reasons = {
        "held out": any_of_them.held_out,
        "of poor quality": any_of_them.low_quality_left_out,
        **any_of_them.left_out,
    }
    left_out = "; ".join(f"{count:,} {reason}" for reason, count in reasons.items() if count)
    say(f"Left out of all: {left_out or 'nothing'}.")
    say(f"Written to: {into.root / 'blends'}")
