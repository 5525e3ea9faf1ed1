"""Plants flaws in a run's sessions and has the run's supervisor read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.pack import load_pack
from corpus.files import read_nouns
from domain.base import canonical_json, content_id
from domain.errors import EvaluationError
from domain.scenario import PlanItem
from domain.session import Session
from domain.settings import BudgetSettings
from engine import pool
from engine.spending.prices import tariff
from evaluation.planted.kinds import handwritten
from evaluation.planted.reading import Read, ReadOrders, open_reading
from evaluation.planted.tally import tally
from evaluation.planted.twins import twins_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from domain.turn import Turn
    from evaluation.planted.tally import Tally
    from evaluation.planted.twins import Twin


def planned(settings: Settings, folder: RunFolder, seed: int) -> list[Twin]:
    """Return the twins that are to be read, each with one critique at least.

    Raises:
        EvaluationError: The run has no sessions.
    """
    pack = load_pack(settings.pack)
    return list(twins_of(sessions_of(folder), pack.phases, seed, handwritten()))


def planted(
    settings: Settings,
    folder: RunFolder,
    seed: int,
    progress: Progress,
    budget: BudgetSettings | None = None,
) -> Tally:
    """Have every twin of a run's sessions read once; what was read before is not asked again.

    The sessions are taken as they are, whatever their critique said, in their last draft: where
    a supervisor has chosen its clean sessions itself, its false alarms say nothing. So play them
    with an able therapist and without revisions.

    Raises:
        EvaluationError: The run has no sessions.
        EndpointError: The supervisor cannot be used.
        BudgetReachedError: `budget` is spent; the same again with a larger one goes on.
    """
    twins = planned(settings, folder, seed)
    found = read_twins(settings, folder, seed, twins, progress, "planted", budget)
    return tally([(twin, found[twin.id]) for twin in twins])


def read_twins(
    settings: Settings,
    folder: RunFolder,
    seed: int,
    twins: Sequence[Twin],
    progress: Progress,
    stage: str,
    budget: BudgetSettings | None = None,
) -> dict[str, Read]:
    """Have each twin read by the run's supervisor; return what was read by the twin's id.

    What was read before, in the same folder of `stage`, is not asked again.
    """
    orders = ReadOrders(supervisor=settings.roles.supervisor, pack=settings.pack, seed=seed)
    sampling = {"model", "temperature", "top_p", "max_tokens"}
    run_hash = content_id(
        stage,
        {
            "supervisor": orders.supervisor.model_dump(mode="json", include=sampling),
            "pack": load_pack(settings.pack).hash,
            "seed": seed,
        },
    )
    found: dict[str, Read] = {}
    pool.run_all(
        open_reading,
        canonical_json(orders),
        [(twin.id, canonical_json(twin)) for twin in {twin.id: twin for twin in twins}.values()],
        folder.evaluation / stage / run_hash,
        settings.engine,
        budget or BudgetSettings(),
        run_hash,
        progress,
        lambda item, result: found.update({item: Read.model_validate_json(result)}),
        stage="twins",
        variables=[settings.roles.supervisor.api_key_env],
        prices=tariff(settings),
    )
    return found


def sessions_of(folder: RunFolder) -> list[tuple[PlanItem, tuple[Turn, ...]]]:
    """Return plan and turns of each session that was played to its end.

    Raises:
        EvaluationError: There is none.
    """
    plan = {item.session_id: item for item in read_nouns(folder.plan, PlanItem)}
    found = [
        (plan[session.id], session.drafts[-1].turns)
        for session in read_nouns(folder.sessions, Session)
        if session.drafts and session.drafts[-1].turns
    ]
    if not found:
        raise EvaluationError(
            "there is no session to plant a flaw in",
            where=str(folder.sessions),
            expected="sessions that were played",
            got="none",
            mend="Play some: rehearsal campaign run configs/planted.yaml",
        )
    return found
