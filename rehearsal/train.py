"""`rehearsal train`: one adapter per variant, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from domain.settings import TINY
from rehearsal.options import (
    JsonOption,
    RayOption,
    RunOption,
    SubmitOption,
    TargetArgument,
    find_target,
    with_ray,
)

if TYPE_CHECKING:
    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from training.summary import TrainSummary


def train(
    target: TargetArgument,
    run_dir: RunOption = None,
    ray: RayOption = None,
    submit: SubmitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a LoRA adapter on each of the run's blends."""
    from rehearsal.console import emit_json, say, watching
    from rehearsal.runs import keep_settings
    from rehearsal.writing import writing

    settings, folder = find_target(target, run_dir)
    if submit:
        from rehearsal.submit import submit_job

        config = Path(target) if Path(target).is_file() else folder.config
        submit_job(submit, ["train"], config, run_dir, as_json=as_json)
        return
    settings = with_ray(settings, ray)
    with writing(folder, f'rehearsal train "{folder.root}"'):
        keep_settings(settings, folder)
        with watching() as progress:
            made = train_run(settings, folder, progress)
    if as_json:
        emit_json({name: each.model_dump(mode="json") for name, each in made.items()})
    else:
        for name, each in made.items():
            say(
                f"{name:<10} {each.supervised_tokens:,} supervised tokens in {each.steps} steps, "
                f"loss {each.first_loss:.2f} → {each.last_loss:.2f}: {folder.adapters / name}",
            )


def train_run(settings: Settings, folder: RunFolder, progress: Progress) -> dict[str, TrainSummary]:
    """Train what the settings name; Ray is started when the engine asks for it."""
    from engine import cluster
    from training.run import train_variants

    base = base_of(settings, progress)
    with cluster.running(settings.engine, progress):
        return train_variants(settings, folder, base, progress)


def base_of(settings: Settings, progress: Progress) -> Path | str:
    """Return the base model: the one named, or the tiny one, trained here when it is not cached."""
    from rehearsal.runs import cache_root

    if settings.training.base != TINY:
        return settings.training.base
    from training.base import ensure_base

    return ensure_base(cache_root() / "base", progress=progress)
