"""A campaign played from the command line: progress, Ctrl-C, and what is said at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import BudgetReachedError, InterruptedRunError, RehearsalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.runfolder import RunFolder
    from domain.settings import Settings

RESUME = "`rehearsal campaign resume`"
"""How a mend speaks of it that does not know the run."""


def play(
    settings: Settings,
    folder: RunFolder,
    accepted: Callable[[], None],
    *,
    resume: bool,
    as_json: bool,
) -> None:
    """Play a campaign with its progress shown, and say what came of it and what it cost.

    Raises:
        InterruptedRunError: Ctrl-C; it says whether there is something to go on with.
        EndpointError: No session could be played to its end.
    """
    from campaigns.bill import bill_of
    from campaigns.fruitless import refuse_fruitless
    from campaigns.run import run_campaign
    from rehearsal.beat import beating
    from rehearsal.campaign_view import show_bill, show_summary
    from rehearsal.console import emit_json, watching
    from rehearsal.course import Foretelling, named
    from rehearsal.embedded import endpoints_ready

    with watching() as progress, endpoints_ready(settings) as ready:
        foretelling = Foretelling(progress, folder, ready)
        try:
            with beating(foretelling.beat):
                summary = run_campaign(
                    ready,
                    folder,
                    foretelling,
                    resume=resume,
                    accepted=accepted,
                )
        except BudgetReachedError as error:
            raise named(error, folder, settings) from None
        except RehearsalError as error:
            error.mend = error.mend.replace(RESUME, f'`rehearsal campaign resume "{folder.root}"`')
            raise
        except KeyboardInterrupt:
            raise stopped(folder) from None
    if not as_json:
        show_summary(summary, folder)
    refuse_fruitless(summary, folder)
    bill = bill_of(folder, settings)
    if as_json:
        emit_json(
            {
                "run": str(folder.root),
                **summary.model_dump(mode="json"),
                "bill": bill.model_dump(mode="json"),
            }
        )
    else:
        show_bill(bill)


def stopped(folder: RunFolder) -> InterruptedRunError:
    """Say what Ctrl-C has left, and how to go on from there."""
    from campaigns.manifest import manifest_path

    begun = manifest_path(folder).is_file()  # before the plan, where a model casts
    return InterruptedRunError(
        "stopped; what was done is kept" if begun else "stopped before the campaign had begun",
        where=str(folder.root),
        mend=f'go on with: rehearsal campaign resume "{folder.root}"'
        if begun
        else "nothing was kept and nothing spent: give the same command again",
    )
