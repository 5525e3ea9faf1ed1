"""`rehearsal critic`: learn from people's judgement of real sessions, check it, score with it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import BudgetReachedError, ConfigError
from rehearsal.budget_options import BudgetOption, with_budget
from rehearsal.options import JsonOption, RayOption, RunArgument, present, with_ray
from rehearsal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.runfolder import RunFolder
    from domain.settings import BudgetSettings, RoleSettings, Settings
    from evaluation.critic.human import Labelled, Talk

    Annomi = tuple[list[Talk], list[Labelled], list[Labelled]]

app = Verbs(
    help="Whom to believe: try the supervisor on planted flaws and pleas (planted, injection), and "
    "a critic learned from real sessions (check, train, score).",
    no_args_is_help=True,
)

AnnomiOption = Annotated[
    Path | None, typer.Option("--annomi", metavar="CSV", help="AnnoMI's table.")
]
EsconvOption = Annotated[
    Path | None, typer.Option("--esconv", metavar="JSON", help="ESConv's good conversations.")
]
FailedOption = Annotated[
    Path | None, typer.Option("--failed", metavar="JSON", help="FailedESConv's conversations.")
]


@app.command("check")
def check(
    annomi: AnnomiOption = None,
    esconv: EsconvOption = None,
    failed: FailedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the critic on people's labels, on conversations it did not learn from."""
    from rich.table import Table

    from evaluation.critic.check import check as measure
    from rehearsal.console import emit_json, show, watching

    labelled, talks = _read(annomi, esconv, failed)
    with watching() as progress:
        figures = measure(labelled, talks, progress)
    if as_json:
        emit_json({name: one.model_dump(mode="json") for name, one in figures.items()})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("figure", "value", "95% interval", "n", "groups"):
        table.add_column(head, justify="left" if head == "figure" else "right", no_wrap=True)
    for name, one in figures.items():
        interval = f"{one.low:.3f} to {one.high:.3f}"
        table.add_row(name, f"{one.value:.3f}", interval, f"{one.n:,}", str(one.groups))
    show(table)


@app.command("train")
def train(
    to: Annotated[Path, typer.Option("--to", help="The critic's file, .safetensors.")],
    annomi: AnnomiOption = None,
    esconv: EsconvOption = None,
    failed: FailedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a critic on your own copy of the labelled sessions."""
    from evaluation.critic.quality import QualityCritic
    from rehearsal.console import emit_json, say

    labelled, talks = _read(annomi, esconv, failed)
    critic = QualityCritic.fit([*(labelled[0] if labelled else ()), *talks])
    critic.save(to)
    if as_json:
        emit_json({"critic": str(to), "trained_on": critic.trained_on})
    else:
        counts = ", ".join(f"{n} of {corpus}" for corpus, n in critic.trained_on.items())
        say(f"Trained on {counts}: {to}")
        say("It holds words of its sources: share it as their licences allow.")


@app.command("score")
def score(
    run: RunArgument,
    critic: Annotated[Path, typer.Option("--critic", help="A file of `critic train`.")],
    worst: Annotated[int, typer.Option(min=1, help="How many of the lowest to list.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Score a run's accepted sessions and list the lowest: those to read first."""
    from evaluation.critic.quality import QualityCritic
    from evaluation.critic.ranking import ranked
    from rehearsal.console import emit_json, say
    from rehearsal.runs import open_run

    _, folder = open_run(run)
    lowest_first = ranked(QualityCritic.load(present(critic, "--critic")), folder)
    if as_json:
        emit_json([one.model_dump(mode="json") for one in lowest_first])
        return
    for one in lowest_first[:worst]:
        say(f"{one.score:+.2f}  {one.session}")
    say(f"{len(lowest_first)} accepted sessions, the lowest first, in log-odds.")
    say(f"Read one: rehearsal trace show SESSION --run {run}")


@app.command("planted")
def planted(
    run: RunArgument,
    seed: Annotated[int, typer.Option(help="Seed of the planting.")] = 0,
    budget: BudgetOption = None,
    ray: RayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plant one flaw of each kind in a run's sessions; does its supervisor find them?

    Asks the supervisor for a critique of every session and of each of its flawed twins: about
    twenty a session, hundreds in all; it says how many before it begins. --budget bounds them.
    """
    from engine import cluster
    from evaluation.planted.run import planned
    from evaluation.planted.run import planted as plant
    from rehearsal.console import emit_json, watching
    from rehearsal.critic_view import show_planted
    from rehearsal.embedded import endpoints_ready
    from rehearsal.runs import open_run

    settings, folder = open_run(run)
    asked, limits = len(planned(settings, folder, seed)), _budget_of(settings, budget)
    _announce(asked, settings.roles.supervisor)
    with (
        watching() as progress,
        endpoints_ready(with_ray(settings, ray)) as ready,
        cluster.running(ready.engine, progress),
        _saying_how_to_go_on(folder),
    ):
        found = plant(ready, folder, seed, progress, limits)
    if as_json:
        emit_json(found.model_dump(mode="json"))
    else:
        show_planted(found, settings.roles.therapist.model)


@app.command("injection")
def injection(
    run: RunArgument,
    seed: Annotated[int, typer.Option(help="Seed of the planting.")] = 0,
    sessions: Annotated[int, typer.Option(min=1, help="How many sessions to plant in.")] = 10,
    budget: BudgetOption = None,
    ray: RayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plant texts that ask for a verdict in clients' turns; does the supervisor follow them?

    Asks the supervisor for a critique of each session without and with every text, well over a
    hundred a session; it says how many before it begins. --budget bounds them.
    """
    from engine import cluster
    from evaluation.injection.run import injection as plant
    from evaluation.injection.run import planned
    from rehearsal.console import emit_json, watching
    from rehearsal.critic_view import show_steering
    from rehearsal.embedded import endpoints_ready
    from rehearsal.runs import open_run

    settings, folder = open_run(run)
    texts, limits = planned(settings, folder, seed, sessions), _budget_of(settings, budget)
    _announce(len({one.twin.id for one in texts}), settings.roles.supervisor)
    with (
        watching() as progress,
        endpoints_ready(with_ray(settings, ray)) as ready,
        cluster.running(ready.engine, progress),
        _saying_how_to_go_on(folder),
    ):
        found = plant(ready, folder, seed, texts, progress, limits)
    if as_json:
        emit_json(found.model_dump(mode="json"))
    else:
        show_steering(found)


def _announce(asked: int, supervisor: RoleSettings) -> None:
    """Say what will be asked of whom, before it is."""
    from rehearsal.console import stderr

    stderr().print(
        f"{asked:,} critiques by {supervisor.model} at {supervisor.base_url}: as many calls, more "
        "where an answer has to be mended; what was read before is not asked again.",
        markup=False,
    )


def _budget_of(settings: Settings, budget: list[str] | None) -> BudgetSettings:
    """Return what the command line allows; the campaign's own budget is for its sessions."""
    from domain.settings import BudgetSettings
    from engine.spending.prices import require_prices

    campaign = settings.campaign.model_copy(update={"budget": BudgetSettings()})
    own = with_budget(settings.model_copy(update={"campaign": campaign}), budget, None)
    require_prices(own)
    return own.campaign.budget


@contextmanager
def _saying_how_to_go_on(folder: RunFolder) -> Iterator[None]:
    """Where the budget is reached, or somebody stops it, say that the same command goes on."""
    from rehearsal.writing import going_on

    try:
        with going_on(folder):
            yield
    except BudgetReachedError as error:
        error.mend = "give the same command again with a larger --budget; nothing is paid twice"
        raise


def _read(
    annomi: Path | None, esconv: Path | None, failed: Path | None
) -> tuple[Annomi | None, list[Talk]]:
    from evaluation.critic.human import read_annomi, read_esconv

    if not annomi and not (esconv and failed):
        raise ConfigError(
            "there is nothing to learn from",
            where="rehearsal critic",
            expected="--annomi CSV, or both --esconv JSON and --failed JSON",
            got="neither",
            mend="Name your copy of AnnoMI, or of ESConv and FailedESConv.",
        )
    for where, path in {"--annomi": annomi, "--esconv": esconv, "--failed": failed}.items():
        if path is not None:
            present(path, where)
    good = read_esconv(esconv, good=True) if esconv else []
    poor = read_esconv(failed, good=False) if failed else []
    return (read_annomi(annomi) if annomi else None), [*good, *poor]
