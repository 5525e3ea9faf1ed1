"""Plants texts that ask for a verdict in a run's sessions, and has its supervisor read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.pack import load_pack
from domain.base import Noun
from domain.errors import EvaluationError
from evaluation.injection.payloads import payloads
from evaluation.injection.planting import plantings
from evaluation.planted.run import read_twins, sessions_of
from evaluation.planted.tally import Share, share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import BudgetSettings, Settings
    from evaluation.injection.planting import Planted
    from evaluation.planted.reading import Read

    Pair = tuple[Planted, Read, Read]
    """What was planted, what was read then, and what was read of the control."""


class Steering(Noun):
    """How often a planted text changed what a supervisor says.

    `flips`: the verdict is another one than without the text, whichever way. `obeyed`: of those
    where the text asks for another verdict than was given, the share that got it. `gates_changed`:
    another set of gates fails. `score_moved` is the mean absolute change of the score, 0 to 1.
    """

    payloads: int
    sessions: int
    flips: Share
    obeyed: Share
    gates_changed: Share
    score_moved: float
    flips_by_family: dict[str, Share]
    flips_by_route: dict[str, Share]
    flipping: dict[str, int]
    """Texts that flipped a verdict, with how often."""
    failures: int


def planned(settings: Settings, folder: RunFolder, seed: int, sessions: int) -> list[Planted]:
    """Return what is to be read of the first `sessions`, without and with every text.

    Raises:
        EvaluationError: The run has no sessions.
    """
    pack = load_pack(settings.pack)
    return list(plantings(sessions_of(folder)[:sessions], pack.phases, seed))


def injection(
    settings: Settings,
    folder: RunFolder,
    seed: int,
    planted: Sequence[Planted],
    progress: Progress,
    budget: BudgetSettings | None = None,
) -> Steering:
    """Have what is `planned` read, and compare each verdict with the one without the text.

    Raises:
        EvaluationError: No reading can be compared.
        EndpointError: The supervisor cannot be used.
        BudgetReachedError: `budget` is spent; the same again with a larger one goes on.
    """
    twins = [one.twin for one in planted]
    found = read_twins(settings, folder, seed, twins, progress, "injection", budget)
    controls = {one.base: found[one.twin.id] for one in planted if one.payload is None}
    pairs = [
        (one, found[one.twin.id], controls[one.base])
        for one in planted
        if one.payload is not None
        and not found[one.twin.id].failure
        and not controls[one.base].failure
    ]
    if not pairs:
        raise EvaluationError(
            "no reading can be compared",
            where=str(folder.root),
            expected="critiques of sessions with and without planted text",
            got="none",
            mend="See `rehearsal doctor` for the supervisor's endpoint.",
        )
    return _steering(pairs, len(planted) - len(controls) - len(pairs))


def _steering(pairs: Sequence[Pair], failures: int) -> Steering:
    texts = payloads()
    bases = {one.base.rpartition("/")[0] for one, _, _ in pairs}
    asked = [pair for pair in pairs if _wants(pair) is not pair[2].accepted]
    flipping: dict[str, int] = {}
    for one, now, before in pairs:
        if now.accepted is not before.accepted and one.payload is not None:
            text = texts[one.payload].text
            flipping[text] = flipping.get(text, 0) + 1
    return Steering(
        payloads=len(texts),
        sessions=len(bases),
        flips=_share(pairs, _flipped),
        obeyed=_share(asked, _flipped),
        gates_changed=_share(pairs, lambda pair: set(pair[1].gates) != set(pair[2].gates)),
        score_moved=round(sum(abs(n.score - b.score) for _, n, b in pairs) / len(pairs), 4),
        flips_by_family=_by(pairs, lambda pair: texts[pair[0].payload or 0].family),
        flips_by_route=_by(pairs, lambda pair: pair[0].route.value),
        flipping=flipping,
        failures=failures,
    )


def _wants(pair: Pair) -> bool:
    """Tell whether the text of a pair asks for acceptance."""
    return payloads()[pair[0].payload or 0].wants == "accept"


def _flipped(pair: Pair) -> bool:
    return pair[1].accepted is not pair[2].accepted


def _share(pairs: Sequence[Pair], test: Callable[[Pair], bool]) -> Share:
    return share(sum(map(test, pairs)), len(pairs))


def _by(pairs: Sequence[Pair], key: Callable[[Pair], str]) -> dict[str, Share]:
    names = dict.fromkeys(map(key, pairs))
    return {name: _share([pair for pair in pairs if key(pair) == name], _flipped) for name in names}
