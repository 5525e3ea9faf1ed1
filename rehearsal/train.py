"""`rehearsal train`: one adapter per variant, side by side."""

from __future__ import annotations

from contextlib import contextmanager
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
    from collections.abc import Callable, Iterator

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
    from rehearsal.writing import writing

    settings, folder = find_target(target, run_dir)
    if submit:
        from rehearsal.submit import submit_job

        config = Path(target) if Path(target).is_file() else folder.config
        submit_job(submit, ["train"], config, run_dir, as_json=as_json)
        return
    settings = with_ray(settings, ray)
    with (
        writing(folder, f'rehearsal train "{folder.root}"'),
        watching() as progress,
        _kept_if_usable(settings, folder) as ready,
    ):
        made = train_run(settings, folder, progress, ready)
    if as_json:
        emit_json({name: each.model_dump(mode="json") for name, each in made.items()})
    else:
        for name, each in made.items():
            say(
                f"{name:<10} {each.supervised_tokens:,} supervised tokens in {each.steps} steps, "
                f"loss {each.first_loss:.2f} → {each.last_loss:.2f}: {folder.adapters / name}",
            )


@contextmanager
def _kept_if_usable(settings: Settings, folder: RunFolder) -> Iterator[Callable[[], None]]:
    """Yield what keeps the settings in the run; those of a training that fails are not kept.

    After Ctrl-C or a crash they stay, because the run goes on with them.
    """
    from domain.errors import RehearsalError
    from rehearsal.runs import keep_settings

    before = folder.config.read_bytes() if folder.config.is_file() else None
    try:
        yield lambda: keep_settings(settings, folder)
    except RehearsalError:
        if before is not None and folder.config.read_bytes() != before:
            from campaigns.manifest import write_atomically

            write_atomically(folder.config, before)
        raise


def train_run(
    settings: Settings,
    folder: RunFolder,
    progress: Progress,
    ready: Callable[[], None] = lambda: None,
) -> dict[str, TrainSummary]:
    """Train what the settings name; Ray is started when the engine asks for it.

    `ready` is called once base and blends are seen to be usable.
    """
    from engine import cluster
    from training.run import train_variants

    base = base_of(settings, progress)
    with cluster.running(settings.engine, progress):
        return train_variants(settings, folder, base, progress, ready)


def base_of(settings: Settings, progress: Progress) -> Path | str:
    """Return the base model: the one named, or the tiny one, trained here when it is not cached."""
    from rehearsal.runs import cache_root

    if settings.training.base != TINY:
        return settings.training.base
    from training.base import ensure_base

    return ensure_base(cache_root() / "base", progress=progress)
