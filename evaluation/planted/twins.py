"""Clean sessions and their twins, each with one planted flaw."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from domain.base import Noun, content_id, seed_of
from domain.persona import RiskLevel
from domain.scenario import PlanItem
from domain.turn import Speaker, Turn
from evaluation.planted.kinds import Handwritten, Kind, Place, Signals, planted_kinds, worded
from measures.risk import episodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agents.phases import Phases
    from evaluation.planted.kinds import Kinds

CLEAN = "clean"
ROW = 3
"""Therapist turns in a row that `several` replaces."""


class Twin(Noun):
    """One session to be read: clean, or with a flaw of `kind` at `turns`."""

    item: PlanItem
    turns: tuple[Turn, ...]
    kind: str = CLEAN
    planted: tuple[int, ...] = ()
    by_hand: bool = False

    @property
    def id(self) -> str:
        """Content id: a twin is read once."""
        return content_id("twin", self)


class NoRoom(Exception):  # noqa: N818 - not an error: another session is taken
    """The session is too short for that kind, or has lost the part that it is planted in."""


def twins_of(
    sessions: Iterable[tuple[PlanItem, tuple[Turn, ...]]],
    phases: Phases,
    seed: int,
    by_hand: Sequence[Handwritten] = (),
) -> Iterator[Twin]:
    """Yield each session clean and once with every kind; then the flaws worded by hand.

    A kind that a session has no room for is left out there. Flaws worded by hand go to the
    sessions in turn.
    """
    kinds = planted_kinds()
    bases = list(sessions)
    for item, turns in bases:
        yield Twin(item=item, turns=turns)
        # Some who are cast without a risk speak of death all the same, of fear of an illness, say.
        at_risk = item.persona.risk is not RiskLevel.NONE or bool(episodes(turns))
        for kind in kinds.kinds:
            if kind.tells and at_risk:
                continue  # their own risk is met in the session, and what is met is no flaw
            dice = random.Random(seed_of(seed, item.session_id, kind.key))
            try:
                changed, planted = planted_in(turns, kind, phases, dice)
            except NoRoom:
                continue
            yield Twin(item=item, turns=changed, kind=kind.key, planted=planted)
    for number, flaw in enumerate(by_hand):
        item, turns = bases[number % len(bases)]
        try:
            twin = _by_hand(item, turns, flaw, kinds, phases, random.Random(number))
        except NoRoom:
            continue
        yield twin


def planted_in(
    turns: tuple[Turn, ...], kind: Kind, phases: Phases, dice: random.Random
) -> tuple[tuple[Turn, ...], tuple[int, ...]]:
    """Return the session with one flaw of `kind`, and the turns it stands in.

    Raises:
        NoRoom: There is no such place in the session.
    """
    texts = {turn.index: turn.text for turn in turns}
    if kind.place is Place.END:
        added = [worded(line, dice) for line in kind.lines]
        return _with_end(turns, added), tuple(range(len(turns), len(turns) + len(added)))
    at = _turn_in(turns, kind.parts, phases, dice)
    if kind.place is Place.SEVERAL:
        places = _row(turns, at)
        for place, line in zip(places, dice.sample(list(kind.lines), ROW), strict=True):
            texts[place] = worded(line, dice)
        return _with(turns, texts), tuple(places)
    if kind.place is Place.CLIENT:
        said = worded(dice.choice(kind.lines), dice)
        texts[at - 1] = f"{texts[at - 1]} {said}" if kind.more else said
        return _with(turns, texts), (at - 1,)
    if kind.tells:
        texts[at - 1] = f"{texts[at - 1]} {worded(dice.choice(kind.tells), dice)}"
    if kind.lines:
        texts[at] = worded(dice.choice(kind.lines), dice)
    return _with(turns, texts), (at - 1, at)


def _by_hand(
    item: PlanItem,
    turns: tuple[Turn, ...],
    flaw: Handwritten,
    kinds: Kinds,
    phases: Phases,
    dice: random.Random,
) -> Twin:
    kind = next(kind for kind in kinds.kinds if kind.key == flaw.kind)
    at = _turn_in(turns, kind.parts, phases, dice)
    texts = {turn.index: turn.text for turn in turns}
    if flaw.client:
        texts[at - 1] = f"{texts[at - 1]} {flaw.client}"
    if flaw.therapist:
        texts[at] = flaw.therapist
    return Twin(
        item=item, turns=_with(turns, texts), kind=kind.key, planted=(at - 1, at), by_hand=True
    )


def _turn_in(
    turns: Sequence[Turn], parts: Sequence[str], phases: Phases, dice: random.Random
) -> int:
    """Return a therapist turn of those parts that a client's turn stands before."""
    own = [turn.index for turn in turns if turn.speaker is Speaker.THERAPIST]
    layout = phases.layout(len(own))
    fits = [i for i, part in zip(own, layout, strict=True) if part.key in parts and i > 0]
    if not fits:
        raise NoRoom
    return dice.choice(fits)


def _row(turns: Sequence[Turn], at: int) -> list[int]:
    """Return `ROW` therapist turns in a row from `at` on, the last three where it is too late."""
    own = [turn.index for turn in turns if turn.speaker is Speaker.THERAPIST][1:-1]
    if len(own) < ROW:
        raise NoRoom
    first = min(own.index(at) if at in own else 0, len(own) - ROW)
    return own[first : first + ROW]


def _with(turns: Sequence[Turn], texts: dict[int, str]) -> tuple[Turn, ...]:
    return tuple(turn.model_copy(update={"text": texts[turn.index]}) for turn in turns)


def _with_end(turns: tuple[Turn, ...], added: Sequence[str]) -> tuple[Turn, ...]:
    last = turns[-1].speaker
    speakers = [one for one in Speaker if one is not last] + [last]
    more = tuple(
        Turn(index=len(turns) + n, speaker=speakers[n % 2], text=text)
        for n, text in enumerate(added)
    )
    return (*turns, *more)


def signals_of(kind: str) -> Signals:
    """Return what counts as having found a flaw of `kind`."""
    return next(known.signals for known in planted_kinds().kinds if known.key == kind)
