"""`rehearsal campaign`: run, resume, status, list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rehearsal.options import (
    ConfigArgument,
    JsonOption,
    RayOption,
    RunArgument,
    RunOption,
    SubmitOption,
    folder_of,
    with_ray,
)

if TYPE_CHECKING:
    from campaigns.status import CampaignStatus
    from campaigns.summary import CampaignSummary
    from domain.runfolder import RunFolder
    from domain.settings import BudgetSettings, Settings

app = typer.Typer(help="Simulate sessions, criticise and revise them.", no_args_is_help=True)


@app.command("run")
def run(
    config: ConfigArgument,
    run_dir: RunOption = None,
    ray: RayOption = None,
    submit: SubmitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play a campaign from a run file; sessions land in runs/<name>/sessions.jsonl."""
    from engine.lock import refuse_if_held
    from rehearsal.runfile import load_settings, save_settings

    settings = with_ray(load_settings(config), ray)
    if submit:
        from rehearsal.submit import submit_job

        submit_job(submit, ["campaign", "run"], config, run_dir, as_json=as_json)
        return
    folder = folder_of(settings, run_dir)
    refuse_if_held(folder.lock)
    if not folder.ledger.exists():
        save_settings(settings, folder)
    _play(settings, folder, resume=False, as_json=as_json)


@app.command("resume")
def resume(
    run: RunArgument,
    ray: RayOption = None,
    calls: Annotated[
        int | None, typer.Option("--calls", help="New budget of calls for the whole campaign.")
    ] = None,
    tokens: Annotated[
        int | None, typer.Option("--tokens", help="New budget of tokens for the whole campaign.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with a campaign that was stopped; no recorded call is paid again."""
    from engine.lock import refuse_if_held
    from rehearsal.runfile import open_run, save_settings

    settings, folder = open_run(run)
    refuse_if_held(folder.lock)
    settings = _with_budget(with_ray(settings, ray), calls, tokens)
    save_settings(settings, folder)
    _play(settings, folder, resume=True, as_json=as_json)


@app.command("status")
def status(run: RunArgument, as_json: JsonOption = False) -> None:
    """Say how far a campaign is, while it runs or after."""
    from campaigns.status import campaign_status
    from rehearsal.console import emit_json
    from rehearsal.runfile import open_run

    _, folder = open_run(run)
    found = campaign_status(folder)
    if as_json:
        emit_json(found)
    else:
        _show_statuses([found])


@app.command("list")
def list_(
    root: Annotated[Path | None, typer.Argument(help="Default: runs.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the campaigns under the runs folder."""
    from campaigns.status import list_campaigns
    from rehearsal.console import emit_json, say
    from rehearsal.runfile import runs_root

    found = list_campaigns(root or runs_root())
    if as_json:
        emit_json([each.model_dump(mode="json") for each in found])
    elif found:
        _show_statuses(found)
    else:
        say('No campaigns yet. "rehearsal demo" makes a first one.')


def _play(settings: Settings, folder: RunFolder, *, resume: bool, as_json: bool) -> None:
    from campaigns.run import run_campaign
    from rehearsal.console import emit_json, watching
    from rehearsal.embedded import endpoints_ready

    with watching() as progress, endpoints_ready(settings) as ready:
        summary = run_campaign(ready, folder, progress, resume=resume)
    if as_json:
        emit_json({"run": str(folder.root), **summary.model_dump(mode="json")})
    else:
        show_summary(summary, folder)


def _with_budget(settings: Settings, calls: int | None, tokens: int | None) -> Settings:
    budget: BudgetSettings = settings.campaign.budget
    changes = {k: v for k, v in {"calls": calls, "tokens": tokens}.items() if v is not None}
    campaign = settings.campaign.model_copy(update={"budget": budget.model_copy(update=changes)})
    return settings.model_copy(update={"campaign": campaign})


def show_summary(summary: CampaignSummary, folder: RunFolder) -> None:
    """Print what a campaign came to."""
    from rehearsal.console import say

    say(
        f"{summary.accepted} of {summary.planned} sessions accepted "
        f"({summary.mended} of them mended by a rewind), {summary.rejected} rejected, "
        f"{summary.quarantined} quarantined; {summary.calls:,} calls, {summary.tokens:,} tokens."
    )
    say(f"Sessions: {folder.sessions}")
    say(f'Look inside one: rehearsal trace list "{folder.root}"')


def _show_statuses(found: list[CampaignStatus]) -> None:
    from rich.table import Table

    from rehearsal.console import say, show

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("run", "state"):
        table.add_column(head)
    for head in ("planned", "finished", "accepted", "rejected", "quarantined", "calls", "tokens"):
        table.add_column(head, justify="right")
    for each in found:
        table.add_row(
            each.name,
            each.state.value,
            *(
                f"{number:,}"
                for number in (
                    each.summary.planned,
                    each.summary.finished,
                    each.summary.accepted,
                    each.summary.rejected,
                    each.summary.quarantined,
                    each.summary.calls,
                    each.summary.tokens,
                )
            ),
        )
    show(table)
    for each in found:
        if each.problem:
            say(f"{each.name}: {each.problem}")
