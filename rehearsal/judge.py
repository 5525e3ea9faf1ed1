"""`rehearsal judge`: how far a run's judge can be believed, before its scores are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rehearsal.options import (
    JsonOption,
    RayOption,
    RunOption,
    TargetArgument,
    find_target,
    present,
    with_ray,
)
from rehearsal.verbs import Verbs

if TYPE_CHECKING:
    from evaluation.certificate.agreement import Figure
    from evaluation.certificate.certificate import Certificate

app = Verbs(help="The judge of a run: try it before its scores are believed.")


@app.callback()
def _judge() -> None:
    """Keep `certify` a verb of its own."""


@app.command("certify")
def certify(
    target: TargetArgument,
    human: Annotated[
        Path | None,
        typer.Option("--human", metavar="FILE", help="Ratings: FailedESConv's JSON, or a CSV."),
    ] = None,
    fold: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="Only this share of the ratings, e.g. 1/2: the second."),
    ] = None,
    replies: Annotated[
        int, typer.Option(min=10, help="Replies to try it on; each costs about 25 calls.")
    ] = 40,
    run_dir: RunOption = None,
    ray: RayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure repeats, order, length, halo, own replies, planted flaws, pleas, and people."""
    from engine import cluster
    from evaluation.certificate.certificate import CERTIFICATE
    from evaluation.certificate.labels import one_fold, read_labels
    from evaluation.certificate.run import certify as measure
    from rehearsal.console import emit_json, say, watching
    from rehearsal.embedded import endpoints_ready
    from rehearsal.writing import going_on

    settings, folder = find_target(target, run_dir)
    labels = read_labels(present(human, "--human")) if human else None
    if labels is not None and fold is not None:
        labels = one_fold(labels, fold)
    with (
        going_on(folder, budget="evaluation.budget"),
        watching() as progress,
        endpoints_ready(with_ray(settings, ray)) as ready,
        cluster.running(ready.engine, progress),
    ):
        found = measure(ready, folder, progress, labels=labels, replies=replies)
    if as_json:
        emit_json({**found.model_dump(mode="json"), "resists_injection": found.resists})
    else:
        show_certificate(found)
        say(f"Certificate: {folder.evaluation / CERTIFICATE}")


def show_certificate(found: Certificate) -> None:
    """Print every figure with its interval."""
    from rich.table import Table

    from evaluation.certificate.lines import lines_of, remarks_of
    from rehearsal.console import show, tell

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("what", "value", "95% interval", "n"):
        table.add_column(head, justify="left" if head == "what" else "right", no_wrap=True)
    for line in lines_of(found):
        table.add_row(line.what, *_cells(line.figure))
    show(table)
    for remark in remarks_of(found):
        tell(remark)


def _cells(one: Figure) -> tuple[str, str, str]:
    value = "–" if one.value is None else f"{one.value:.2f}"
    bounds = "–" if one.low is None or one.high is None else f"{one.low:.2f} to {one.high:.2f}"
    return value, bounds, f"{one.n:,}"
