"""`rehearsal corpus pii-check`: how much of what identifies people screening finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from corpus.piicheck.material import MaterialSet
from domain.errors import ExitCode
from rehearsal.options import JsonOption, find_target

if TYPE_CHECKING:
    from corpus.piicheck.score import Check


def pii_check(
    target: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run file or run whose screening is checked."),
    ] = None,
    which: Annotated[
        MaterialSet,
        typer.Option("--set", help="held-out is what is reported; dev may be looked at."),
    ] = MaterialSet.HELD_OUT,
    repeats: Annotated[
        int, typer.Option(min=1, max=1000, help="How often each sentence is planted.")
    ] = 20,
    seed: Annotated[int, typer.Option(help="Of the people, numbers and order.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Plant identifiers of invented people in sessions, screen them, and count what is found."""
    from corpus.piicheck.material import load_material
    from corpus.piicheck.plant import sessions_of
    from corpus.piicheck.score import check
    from rehearsal.console import emit_json

    if target is not None:
        find_target(target)
    result = check(sessions_of(load_material(which), repeats, seed), which.value)
    if as_json:
        emit_json(result.model_dump(mode="json"))
    else:
        _show(result)
    if result.missed:
        raise typer.Exit(int(ExitCode.GATE_NOT_MET))


def _show(result: Check) -> None:
    from rich.table import Table

    from rehearsal.console import say, show

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("what", "found", "planted", "recall", "95% interval", "bar"):
        table.add_column(head, justify="left" if head == "what" else "right", no_wrap=True)
    for kind, recall in result.recall.items():
        low, high = result.intervals[kind]
        bar = result.bars.get(kind)
        table.add_row(
            kind.replace("_", " "),
            f"{result.found[kind]:,}",
            f"{result.planted[kind]:,}",
            f"{recall:.3f}",
            f"{low:.3f} to {high:.3f}",
            "" if bar is None else f"{bar:.2f}" + ("" if recall >= bar else " missed"),
        )
    show(table)
    say(
        f"Replaced though nobody planted it: {result.over_redacted:,} of {result.tokens:,} tokens, "
        f"{result.over_redaction:.2%} (at most {result.bars['over_redaction']:.0%})."
    )
    say("Screening misses what it was not told of: a person reads the review, and signs.")
