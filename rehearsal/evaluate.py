"""`rehearsal evaluate`: every model answers the same scenarios, a blind judge rates them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from domain.settings import TINY
from rehearsal.options import (
    DryRunOption,
    JsonOption,
    RayOption,
    RunOption,
    SubmitOption,
    TargetArgument,
    find_target,
    with_ray,
)

if TYPE_CHECKING:
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from evaluation.summary import EvaluationSummary


def evaluate(
    target: TargetArgument,
    run_dir: RunOption = None,
    ray: RayOption = None,
    submit: SubmitOption = None,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare base and adapters on held-out scenarios, and write the report."""
    from engine import cluster
    from rehearsal.console import emit_json, say, watching
    from rehearsal.embedded import endpoints_ready
    from rehearsal.runs import keep_settings
    from rehearsal.train import base_of
    from rehearsal.writing import going_on

    settings, folder = find_target(target, run_dir)
    if submit:
        from rehearsal.submit import submit_job

        config = Path(target) if Path(target).is_file() else folder.config
        submit_job(submit, ["evaluate"], config, run_dir, as_json=as_json)
        return
    settings = with_ray(settings, ray)
    require_trained(settings, folder, target)
    from campaigns.heldout import held_out_plan
    from corpus.compare.store import compare_run
    from evaluation.report import write_report
    from evaluation.run import evaluate as compare

    if dry_run:
        show_plan(settings, folder, as_json=as_json)
        return
    keep_settings(settings, folder)
    if not folder.comparison.is_file():
        compare_run(settings, folder)
    again = f'rehearsal evaluate "{folder.root}"'
    with (
        going_on(folder, again, "evaluation.budget"),
        watching() as progress,
        endpoints_ready(settings) as ready,
    ):
        base = base_of(settings, progress)
        with cluster.running(ready.engine, progress):
            summary = compare(ready, folder, base, progress, cast=held_out_plan)
    page = write_report(settings, folder)
    if as_json:
        emit_json({**summary.model_dump(mode="json"), "report": str(page)})
    else:
        show_evaluation(summary)
        say(f"Report: {page}")


def require_trained(settings: Settings, folder: RunFolder, target: str) -> None:
    """See that every variant which is to be compared has been trained.

    Raises:
        ConfigError: One has not.
    """
    from domain.errors import ConfigError
    from evaluation.candidates.models import untrained

    variants, missing = settings.training.variants, untrained(settings, folder)
    if not missing:
        return
    there = [name for name in variants if name not in missing]
    verb = "is" if len(missing) == 1 else "are"
    raise ConfigError(
        f"{', '.join(missing)} {verb} not trained yet" if there else "nothing is trained yet",
        where=str(folder.adapters),
        expected=f"adapters of {', '.join(variants)}",
        got=f"only {', '.join(there)}" if there else "none of them",
        mend=f'train them: rehearsal train "{target}"'
        + ("; what is trained already is kept" if there else ""),
    )


def show_plan(settings: Settings, folder: RunFolder, *, as_json: bool) -> None:
    """Print what would be started and asked: servers with their command lines, endpoints."""
    from evaluation.candidates.models import models_of
    from evaluation.candidates.servers import plan
    from rehearsal.console import emit_json, say
    from rehearsal.runs import cache_root
    from training.base import base_path

    base = settings.training.base
    path = base_path(cache_root() / "base") if base == TINY else base
    shown = plan(models_of(settings, folder, path), settings)
    if as_json:
        emit_json({"candidates": [one.model_dump(mode="json") for one in shown]})
        return
    for one in shown:
        say(f"{', '.join(one.models)}: {one.server} ({one.place}; {one.why})")
        if one.command:
            say(f"  $ {one.command}")


def show_evaluation(summary: EvaluationSummary) -> None:
    """Print mean scores with intervals, one line per model; and which controls failed."""
    from rich.table import Table

    from evaluation.phrases import alarms
    from rehearsal.console import say, show

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model")
    criteria = sorted({mean.criterion for mean in summary.means})
    for criterion in criteria:
        table.add_column(f"{criterion} (1–5)", justify="right")
    for variant in dict.fromkeys(mean.variant for mean in summary.means):
        cells = {m.criterion: m for m in summary.means if m.variant == variant}
        table.add_row(
            variant,
            *(
                f"{cells[c].mean:.2f} [{cells[c].low:.2f}, {cells[c].high:.2f}]"
                if c in cells
                else "–"
                for c in criteria
            ),
        )
    show(table)
    for line in alarms(summary):
        say(line)
