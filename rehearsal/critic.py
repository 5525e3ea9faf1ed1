"""`rehearsal critic`: learn from people's judgement of real sessions, check it, score with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import BudgetReachedError, ConfigError
from rehearsal.budget_options import BudgetOption, with_budget
from rehearsal.options import JsonOption, RayOption, RunArgument, present, with_ray
from rehearsal.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.settings import BudgetSettings, Settings
    from evaluation.critic.human import Labelled, Talk
    from evaluation.injection.run import Steering
    from evaluation.planted.tally import Tally

    Annomi = tuple[list[Talk], list[Labelled], list[Labelled]]

PLANTED_COLUMNS = (
    "found: share of twins whose planted flaw was named, of so many. by hand: the same for flaws "
    "worded by somebody who had not seen the word lists. alarms: clean sessions in which that "
    "flaw was named though nobody planted it. accepted: share of flawed twins "
    "that would have been accepted all the same."
)

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
    from rehearsal.console import emit_json, stderr, watching
    from rehearsal.embedded import endpoints_ready
    from rehearsal.runs import open_run

    settings, folder = open_run(run)
    asked, limits = len(planned(settings, folder, seed)), _budget_of(settings, budget)
    supervisor = settings.roles.supervisor
    stderr().print(
        f"{asked:,} critiques by {supervisor.model} at {supervisor.base_url}: as many calls, more "
        "where an answer has to be mended; what was read before is not asked again.",
        markup=False,
    )
    with (
        watching() as progress,
        endpoints_ready(with_ray(settings, ray)) as ready,
        cluster.running(ready.engine, progress),
    ):
        found = _within(lambda: plant(ready, folder, seed, progress, limits))
    if as_json:
        emit_json(found.model_dump(mode="json"))
    else:
        show_planted(found, settings.roles.therapist.model)


def _budget_of(settings: Settings, budget: list[str] | None) -> BudgetSettings:
    """Return what the command line allows; the campaign's own budget is for its sessions."""
    from domain.settings import BudgetSettings
    from engine.spending.prices import require_prices

    campaign = settings.campaign.model_copy(update={"budget": BudgetSettings()})
    own = with_budget(settings.model_copy(update={"campaign": campaign}), budget, None)
    require_prices(own)
    return own.campaign.budget


def _within(plant: Callable[[], Tally]) -> Tally:
    """Plant; where the budget is reached, say that the same command goes on."""
    try:
        return plant()
    except BudgetReachedError as error:
        error.mend = "give the same command again with a larger --budget; nothing is paid twice"
        raise


@app.command("injection")
def injection(
    run: RunArgument,
    seed: Annotated[int, typer.Option(help="Seed of the planting.")] = 0,
    sessions: Annotated[int, typer.Option(min=1, help="How many sessions to plant in.")] = 10,
    ray: RayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plant texts that ask for a verdict in clients' turns; does the supervisor follow them?"""
    from engine import cluster
    from evaluation.injection.run import injection as plant
    from rehearsal.console import emit_json, watching
    from rehearsal.embedded import endpoints_ready
    from rehearsal.runs import open_run

    settings, folder = open_run(run)
    with (
        watching() as progress,
        endpoints_ready(with_ray(settings, ray)) as ready,
        cluster.running(ready.engine, progress),
    ):
        found = plant(ready, folder, seed, sessions, progress)
    if as_json:
        emit_json(found.model_dump(mode="json"))
    else:
        show_steering(found)


def show_steering(found: Steering) -> None:
    """Write how often a planted text changed the verdict, by family and by route."""
    from rich.table import Table

    from rehearsal.console import say, show

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("planted", "flips", "95% interval", "of"):
        table.add_column(head, justify="left" if head == "planted" else "right", no_wrap=True)
    rows = {
        **{name.replace("_", " "): one for name, one in found.flips_by_family.items()},
        **{f"by {name.replace('_', ' ')}": one for name, one in found.flips_by_route.items()},
        "all": found.flips,
        "of them, as was asked": found.obeyed,
        "gates changed": found.gates_changed,
    }
    for name, one in rows.items():
        bounds = f"{one.low:.3f} to {one.high:.3f}"
        table.add_row(name, f"{one.value:.3f}", bounds, f"{one.n:,}")
    show(table)
    say(
        f"{found.payloads} texts in {found.sessions} sessions; the score moved by "
        f"{found.score_moved:.3f} on average."
    )
    for text, times in found.flipping.items():
        say(f"flipped {times}: {text!r}")
    if found.failures:
        say(f"{found.failures} readings failed and are left out.")


def show_planted(found: Tally, played_by: str) -> None:
    """Write recall by kind, the flaws worded by hand apart, and false alarms.

    Args:
        found: What the supervisor found.
        played_by: The therapist's model, whose sessions they were.
    """
    from rich.table import Table

    from evaluation.planted.kinds import planted_kinds
    from rehearsal.console import say, show, tell

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("planted", "found", "95% interval", "of", "by hand", "alarms", "accepted"):
        table.add_column(head, justify="left" if head == "planted" else "right", no_wrap=True)
    for kind in planted_kinds().kinds:
        one, hand = found.recall.get(kind.key), found.by_hand.get(kind.key)
        if one is None:
            continue
        table.add_row(
            f"{kind.key}{' (safety)' if kind.safety else ''}",
            f"{one.value:.2f}",
            f"{one.low:.2f} to {one.high:.2f}",
            str(one.n),
            f"{round(hand.value * hand.n)} of {hand.n}" if hand else "",
            str(found.by_alarm.get(kind.key, "")),
            f"{found.accepted[kind.key]:.2f}",
        )
    show(table)
    tell(PLANTED_COLUMNS)
    alarms = found.false_alarms
    say(
        f"False alarms: {alarms.value:.2f} ({alarms.low:.2f} to {alarms.high:.2f}) "
        f"of {alarms.n} clean sessions."
    )
    tell(
        f"The sessions are this run's, as {played_by} played them: what is named in one of them "
        "may be a real slip of that therapist. So the false alarms belong to these sessions and "
        "cannot be compared with those over another therapist's."
    )
    if found.by_hand_all:
        hand = found.by_hand_all
        say(f"Worded by hand: {hand.value:.2f} ({hand.low:.2f} to {hand.high:.2f}) of {hand.n}.")
    if found.failures:
        say(f"{found.failures} twins had no critique and are left out.")


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
