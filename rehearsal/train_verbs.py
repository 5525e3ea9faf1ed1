"""`rehearsal train` and what belongs to it: preview, sweep, preference, merge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rehearsal.options import (
    JsonOption,
    RayOption,
    RunOption,
    TargetArgument,
    find_target,
    percentages,
    with_ray,
)
from rehearsal.train import base_of, train
from rehearsal.verbs import Group, Verbs

DEFAULT = "run"


class _TrainGroup(Group):
    """`rehearsal train RUN` trains; a first word that is no verb is the run."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's own click
        """Put the default verb in front of a run."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


app = Verbs(
    cls=_TrainGroup,
    help="Fine-tune on each of a run's blends: `rehearsal train RUN`. The verbs below look at what"
    " is learned, sweep over blends, tune on preferences, and merge.",
    no_args_is_help=True,
)
app.command(DEFAULT)(train)


@app.command("preview")
def preview(
    target: TargetArgument,
    variant: Annotated[
        str, typer.Option(help="The blend to look into; without one: the run's real records.")
    ] = "real",
    session: Annotated[
        str | None, typer.Option(help="Id of a session, or its first letters (default: the first).")
    ] = None,
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a session as the model will see it, and which of its tokens are learned."""
    from rehearsal.console import emit_json, show_plain, watching
    from rehearsal.previewing import lay_out, marked
    from training.preview import check_variant, preview_session

    settings, folder = find_target(target, run_dir)
    check_variant(folder, variant)  # before a base is made that nobody needs
    with watching() as progress:
        base = base_of(settings, progress)
    seen = preview_session(settings, folder, base, variant, session)
    if as_json:
        emit_json(seen.model_dump(mode="json"))
    else:
        show_plain(lay_out(seen), lambda: marked(seen))


@app.command("sweep")
def sweep(
    target: TargetArgument,
    shares: Annotated[
        str, typer.Option(help="Synthetic shares of the sessions, in percent.")
    ] = "0,25,50,100",
    seeds: Annotated[int, typer.Option(min=1, help="Seeds: the run's own and those after it.")] = 3,
    run_dir: RunOption = None,
    ray: RayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a series of blends from real to synthetic and measure all on held-out real sessions."""
    from corpus.series import sweep_folder
    from engine import cluster
    from rehearsal.console import emit_json, say, watching
    from rehearsal.writing import writing
    from training.sweep import run_sweep, table_of
    from training.sweepfigure import draw_sweep

    settings, folder = find_target(target, run_dir)
    settings, wanted = with_ray(settings, ray), percentages(shares, "--shares")
    again = f'rehearsal train sweep "{folder.root}" --shares {shares} --seeds {seeds}'
    with writing(folder, again), watching() as progress:
        base = base_of(settings, progress)
        with cluster.running(settings.engine, progress):
            result = run_sweep(settings, folder, base, wanted, seeds, progress)
    figures = draw_sweep(result, sweep_folder(folder).root)
    if as_json:
        emit_json({**result.model_dump(mode="json"), "figures": [str(path) for path in figures]})
    else:
        say(table_of(result))
        for path in figures:
            say(str(path))


@app.command("preference")
def preference(
    target: TargetArgument,
    variant: Annotated[str, typer.Option(help="The trained variant to go on from.")] = "hybrid",
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tune an adapter on drafts and their revisions (DPO); writes VARIANT-dpo beside it."""
    from rehearsal.console import emit_json, say, watching
    from rehearsal.writing import writing
    from training.preference import tune

    settings, folder = find_target(target, run_dir)
    with writing(folder), watching() as progress:
        base = base_of(settings, progress)
        made = tune(settings, folder, base, variant, progress)
    if as_json:
        emit_json(made.model_dump(mode="json"))
    else:
        say(
            f"{made.pairs} pairs in {made.steps} steps; on {made.held_out_pairs} held-out pairs "
            f"DPO's loss is {made.held_out_loss:.3f} (0.693 before), and the revision gained in "
            f"{made.held_out_accuracy:.0%}: {folder.adapters / made.variant}",
        )


@app.command("merge")
def merge(
    target: TargetArgument,
    to: Annotated[Path, typer.Option("--to", help="Folder to write; must not exist.")],
    variant: Annotated[str, typer.Option(help="The trained variant.")] = "hybrid",
    run_dir: RunOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write base and adapter as one whole model, in safetensors, with tokenizer and card."""
    from rehearsal.console import emit_json, say, watching
    from training.merge import merge_adapter

    settings, folder = find_target(target, run_dir)
    with watching() as progress:
        base = base_of(settings, progress)
    merge_adapter(base, folder.adapters / variant, to)
    if as_json:
        emit_json({"variant": variant, "to": str(to)})
    else:
        say(f"{variant} merged into its base: {to}")
