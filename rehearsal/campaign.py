"""`rehearsal campaign`: run, resume, status, watch, cancel, bill, list."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rehearsal.budget_options import BudgetOption, DeadlineOption, with_budget, words_of
from rehearsal.ledger_verbs import register
from rehearsal.options import (
    ConfigArgument,
    JsonOption,
    RayOption,
    RunArgument,
    RunOption,
    SubmitOption,
    folder_to_write,
    with_ray,
)
from rehearsal.verbs import Verbs

if TYPE_CHECKING:
    from domain.settings import Settings

app = Verbs(help="Simulate sessions, criticise and revise them.", no_args_is_help=True)


@app.command("run")
def run(
    config: ConfigArgument,
    run_dir: RunOption = None,
    budget: BudgetOption = None,
    deadline: DeadlineOption = None,
    ray: RayOption = None,
    submit: SubmitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play a campaign from a run file; sessions land in runs/<name>/sessions.jsonl."""
    from engine.lock import refuse_if_held
    from rehearsal.playing import play
    from rehearsal.runfile import load_settings
    from rehearsal.runs import save_settings

    settings = with_budget(with_ray(load_settings(config), ray), budget, deadline)
    if submit:
        from rehearsal.submit import submit_job

        more = words_of(budget, deadline)
        submit_job(submit, ["campaign", "run"], config, run_dir, more, as_json=as_json)
        return
    folder = folder_to_write(settings, run_dir)
    refuse_if_held(folder.lock)
    play(settings, folder, lambda: save_settings(settings, folder), resume=False, as_json=as_json)


@app.command("resume")
def resume(
    run: RunArgument,
    ray: RayOption = None,
    budget: BudgetOption = None,
    deadline: DeadlineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with a campaign that was stopped; no recorded call is paid again."""
    from engine.lock import refuse_if_held
    from rehearsal.playing import play
    from rehearsal.runs import open_run, save_settings

    found, folder = open_run(run)
    refuse_if_held(folder.lock)
    settings = with_budget(_without_deadline(with_ray(found, ray)), budget, deadline)

    def accepted() -> None:
        # A finished campaign opens without looking at its budget: a new one is held here to what
        # is spent.
        if budget:
            from campaigns.opening import refuse_overdrawn
            from engine.ledger.store import Store

            refuse_overdrawn(settings, folder, Store(folder.ledger))
        save_settings(settings, folder)

    play(settings, folder, accepted, resume=True, as_json=as_json)


@app.command("status")
def status(run: RunArgument, as_json: JsonOption = False) -> None:
    """Say how far a campaign is, while it runs or after."""
    from campaigns.status import campaign_status
    from rehearsal.console import emit_json, show
    from rehearsal.runs import open_run
    from rehearsal.watch import status_table

    settings, folder = open_run(run)
    found = campaign_status(folder, settings, coverage=True)
    if as_json:
        emit_json(found)
    else:
        show(status_table(found))


@app.command("watch")
def watch(
    run: RunArgument,
    once: Annotated[bool, typer.Option("--once", help="Show it once and stop.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document a second, one to a line.")
    ] = False,
) -> None:
    """Follow a campaign from another terminal until nobody is at it."""
    from campaigns.status import State, campaign_status
    from rehearsal.console import emit_json, show
    from rehearsal.runs import open_run
    from rehearsal.watch import EVERY_S, is_terminal, status_table, watch_live

    settings, folder = open_run(run)
    if is_terminal() and not once and not as_json:
        with suppress(KeyboardInterrupt):  # whoever stops watching does not stop the campaign
            watch_live(folder, settings)
        return
    while True:
        found = campaign_status(folder, settings, coverage=once)
        if as_json:
            emit_json(found)
        else:
            show(status_table(found))
        if once or found.state is not State.RUNNING:
            return
        time.sleep(EVERY_S)


@app.command("cancel")
def cancel(
    run: RunArgument,
    wait_s: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", help="How long to wait for the drain.")
    ] = 600,
    as_json: JsonOption = False,
) -> None:
    """Drain a running campaign from another terminal: calls in flight end and are kept."""
    from campaigns.cancel import cancel_campaign
    from rehearsal.console import emit_json, say
    from rehearsal.runs import open_run

    _, folder = open_run(run)
    found = cancel_campaign(folder, wait_s)
    if as_json:
        emit_json(found)
        return
    summary = found.status.summary
    if not found.was_running:
        say(f"Nothing to cancel: no process plays it. Its state: {found.status.state.value}.")
        return
    say(
        f"Drained in {found.seconds:.1f} s: {summary.finished:,} of {summary.planned:,} sessions "
        f"finished, {summary.calls:,} calls kept."
    )
    if summary.finished < summary.planned:
        say(f'To go on: rehearsal campaign resume "{run}"')


@app.command("bill")
def bill(
    run: RunArgument,
    sessions: Annotated[
        int, typer.Option(min=1, help="Accepted sessions to look at, evenly over the plan.")
    ] = 200,
    as_json: JsonOption = False,
) -> None:
    """Say what an accepted session costs, what a prefix cache could serve, what rewinding saved."""
    from campaigns.bill import bill_of
    from rehearsal.campaign_view import show_bill
    from rehearsal.console import emit_json
    from rehearsal.runs import open_run

    settings, folder = open_run(run)
    found = bill_of(folder, settings, sessions)
    if as_json:
        emit_json(found)
    else:
        show_bill(found)


@app.command("list")
def list_(
    root: Annotated[Path | None, typer.Argument(help="Default: runs.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the campaigns under the runs folder."""
    from campaigns.status import list_campaigns
    from rehearsal.campaign_view import show_statuses
    from rehearsal.console import emit_json, say
    from rehearsal.options import present
    from rehearsal.runs import runs_root

    folder = runs_root() if root is None else present(root, "ROOT", "a folder that runs lie in")
    found = list_campaigns(folder)
    if as_json:
        emit_json([each.model_dump(mode="json") for each in found])
    elif found:
        show_statuses(found)
    else:
        say(f'No campaigns in {folder} yet. "rehearsal demo" makes a first one.')


def _without_deadline(settings: Settings) -> Settings:
    """A deadline is a run's own: a resumed run has the one that it is given, or none."""
    budget = settings.campaign.budget.model_copy(update={"deadline_s": None})
    campaign = settings.campaign.model_copy(update={"budget": budget})
    return settings.model_copy(update={"campaign": campaign})


register(app)  # after the verbs of every day, as help lists them
