"""`rehearsal demo`: the whole loop, from transcripts to report, on one machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel

from domain.errors import BudgetReachedError, SignOffNeededError
from domain.runfolder import RunFolder
from domain.settings import EMBEDDED, TINY
from rehearsal.budget_options import BudgetOption, DeadlineOption, with_budget, words_of
from rehearsal.options import (
    JsonOption,
    RayOption,
    SubmitOption,
    present,
    signer,
    with_ray,
    with_transcripts,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from campaigns.summary import CampaignSummary
    from corpus.ingest import IngestSummary
    from domain.progress import Progress
    from domain.settings import Settings

INVENTED = "the project (sample sessions; every person in them is invented)"
"""Who signs for the sample transcripts."""
STAGES = (
    "Stages: take in the real transcripts; play and refine sessions; blend; train one model on "
    "each blend; answer and judge; report."
)
HOW_LONG = (
    "On two cores two to three minutes (docs/measured.md); the longer the first time, when the "
    "tiny base is trained."
)
TERMS = (
    "Canaries are invented lines planted in the blends, to see what a model remembers; controls "
    "are candidates whose outcome is known beforehand, to see whether the judge can tell; pairs "
    "are two answers that the judge compares directly, in both orders."
)


def demo(
    transcripts: Annotated[
        Path | None, typer.Option(help="Your own real transcripts: a file or a folder.")
    ] = None,
    sign_off: Annotated[
        str | None,
        typer.Option("--sign-off", metavar="NAME", help="Who has read the review and signs."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Another run file than configs/demo.yaml.")
    ] = None,
    run_dir: Annotated[
        Path | None, typer.Option("--run", help="The run's folder (default: a new one).")
    ] = None,
    budget: BudgetOption = None,
    deadline: DeadlineOption = None,
    ray: RayOption = None,
    submit: SubmitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate, refine, blend, train, judge, report: the whole loop, offline, in minutes."""
    from rehearsal.console import emit_json, watching
    from rehearsal.runfile import load_settings, shipped_config
    from rehearsal.runs import save_settings
    from rehearsal.writing import writing

    source = config or shipped_config("demo")
    signed_by = None if sign_off is None else signer(sign_off, "--sign-off")
    settings = with_budget(with_ray(load_settings(source), ray), budget, deadline)
    if submit:
        from rehearsal.submit import submit_job

        more = ["--transcripts", str(transcripts)] if transcripts else []
        more += ["--sign-off", signed_by] if signed_by else []
        more += words_of(budget, deadline)
        submit_job(submit, ["demo", "--config"], source, run_dir, more, as_json=as_json)
        return
    if transcripts is not None:
        present(transcripts, "--transcripts")
        settings = with_transcripts(settings, transcripts, None)
    folder = RunFolder(run_dir) if run_dir else _new_folder(settings.name)
    _show_start(shipped=config is None and transcripts is None)
    with watching() as progress:
        with writing(folder):
            save_settings(settings, folder)
            taken_in = _take_in(settings, folder, signed_by)
        result = run_loop(settings, folder, progress)
    if as_json:
        emit_json(_as_json(folder, {"ingest": taken_in, **result}))
    else:
        _show_end(settings, folder, result)


def run_loop(settings: Settings, folder: RunFolder, progress: Progress) -> dict[str, Any]:
    """Play, blend, train, judge and report on one Ray; return every stage's summary."""
    from campaigns.heldout import held_out_plan
    from campaigns.run import prewarm
    from corpus.blend import blend
    from corpus.compare.store import compare_run
    from engine import cluster
    from evaluation.report import write_report
    from evaluation.run import evaluate
    from rehearsal.embedded import endpoints_ready
    from rehearsal.writing import writing
    from training.run import train_variants

    with endpoints_ready(settings) as ready, cluster.running(ready.engine, progress):
        if ready.engine.kind == "ray":
            prewarm(ready)
        base = _base_in_background(settings, progress)
        campaign = _played(ready, folder, progress)
        with writing(folder):
            compare_run(settings, folder)
            blends = blend(settings, folder)
        base_path = base()
        with writing(folder):
            trained = train_variants(settings, folder, base_path, progress)
        evaluated = evaluate(ready, folder, base_path, progress, cast=held_out_plan)
    page = write_report(settings, folder)
    return {
        "campaign": campaign,
        "blends": blends,
        "training": trained,
        "evaluation": evaluated,
        "report": str(page),
    }


def _played(settings: Settings, folder: RunFolder, progress: Progress) -> CampaignSummary:
    """Play the campaign.

    Raises:
        BudgetReachedError: Stopped by the budget; names the run and a larger one.
    """
    from campaigns.run import run_campaign
    from rehearsal.beat import beating
    from rehearsal.course import Foretelling, named

    foretelling = Foretelling(progress, folder, settings)
    try:
        with beating(foretelling.beat):
            return run_campaign(settings, folder, foretelling)
    except BudgetReachedError as error:
        raise named(error, folder, settings) from None


def _as_json(folder: RunFolder, result: dict[str, Any]) -> dict[str, Any]:
    """Turn every stage's summary into plain JSON values."""

    def plain(value: Any) -> Any:  # noqa: ANN401 - any noun
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        return value.model_dump(mode="json") if isinstance(value, BaseModel) else value

    return {"run": str(folder.root), **plain(result)}


def _base_in_background(settings: Settings, progress: Progress) -> Callable[[], Path | str]:
    """Begin to train the tiny base beside the campaign; the result waits for it."""
    from engine import cluster
    from rehearsal.runs import cache_root
    from rehearsal.train import base_of

    if settings.training.base != TINY or settings.engine.kind != "ray":
        return lambda: base_of(settings, progress)
    from training.base import ensure_base

    return cluster.submit(ensure_base, cache_root().resolve() / "base").result


def _new_folder(name: str) -> RunFolder:
    """Return `runs/demo`, or `runs/demo-2` and so on: no run is written over."""
    from rehearsal.runs import runs_root

    number = 1
    while True:
        root = runs_root() / (name if number == 1 else f"{name}-{number}")
        if not root.exists():
            return RunFolder(root)
        number += 1


def _take_in(settings: Settings, folder: RunFolder, name: str | None) -> IngestSummary:
    """Ingest the transcripts and sign for them, or stop and say what to read.

    The project signs for its own samples only; for all else a person does.

    Raises:
        SignOffNeededError: Nobody signs, or the review is not the one that was read.
    """
    from corpus.ingest import ingest
    from corpus.signoff import ALL, sign_off, why_left_out
    from rehearsal.console import stderr
    from rehearsal.transcripts import SAMPLES, transcripts_of

    source = transcripts_of(settings)
    read = folder.review.read_bytes() if folder.review.is_file() else None
    summary = ingest(source, folder, settings.corpus)
    for left_out in summary.skipped:
        stderr().print(f"Skipped {left_out.where}: {left_out.reason}", markup=False)
    if source.resolve() == SAMPLES:
        sign_off(folder, INVENTED)
        return summary
    again = f'rehearsal demo --transcripts PATH --run "{folder.root}" --sign-off NAME'
    if name is None:
        raise SignOffNeededError(
            f"{summary.records} real sessions are in quarantine, and nobody has signed for them",
            where=str(folder.review),
            expected="a person who has read what was replaced, and what was not",
            mend=f"read the review, then: {again}",
        )
    if read is not None and read != folder.review.read_bytes():
        raise SignOffNeededError(
            "the transcripts have changed, and with them the review",
            where=str(folder.review),
            expected="the review that was written there before",
            mend=f"read it again, then: {again}",
        )
    for flagged in sign_off(folder, name, reject=(ALL,)).rejected:
        why = why_left_out(folder, flagged)
        stderr().print(f"Left out {flagged}: {why}", markup=False, soft_wrap=True)
    return summary


def _show_start(*, shipped: bool) -> None:
    """Say on stderr what will be done; for the shipped run file also how long that took."""
    from rehearsal.console import stderr, width_of, wrapped

    said = f"{STAGES} {HOW_LONG}" if shipped else STAGES
    stderr().print(wrapped(said, width_of(sys.stderr)), markup=False)


def _show_end(settings: Settings, folder: RunFolder, result: dict[str, Any]) -> None:
    """Say what came out, where it is, and what to try next."""
    from rehearsal.console import say, tell
    from rehearsal.evaluate import show_evaluation

    campaign, evaluated = result["campaign"], result["evaluation"]
    say()
    say(
        f"{campaign.accepted} of {campaign.planned} simulated sessions accepted, "
        f"{campaign.mended} of them mended by a rewind."
    )
    show_evaluation(evaluated)
    if any(role.base_url == EMBEDDED for _, role in settings.roles):
        say("The understudy played or judged: this shows that the loop works,")
        say("not which data is better.")
    tell(TERMS, indent="")
    say()
    say(f"Report: {result['report']}")
    say()
    say("What to try next:")
    say(f'  rehearsal trace list "{folder.root}"')
    say("      the sessions, and how each was mended")
    say("  rehearsal demo --transcripts PATH")
    say("      the same loop on your own transcripts")
    say("  cp configs/openai-endpoint.yaml my-run.yaml     (set base_url and model)")
    say("  rehearsal campaign run my-run.yaml")
    say("      sessions from your own endpoint")
