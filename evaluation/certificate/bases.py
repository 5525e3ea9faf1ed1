"""The replies that a judge is tried on: of an evaluation, or of a campaign's accepted sessions."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import zip_longest
from typing import TYPE_CHECKING

from corpus.files import read_nouns
from domain.base import Noun, seed_of
from domain.errors import EvaluationError
from domain.record import HeldOutContext, Origin
from domain.session import Session, Status
from domain.turn import Speaker
from domain.verdict import Answer
from evaluation.certificate.item import JudgeItem
from evaluation.summary import ANSWERS, REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.runfolder import RunFolder
    from evaluation.certificate.labels import Labels

FEWEST = 10
"""Below this many replies no figure would say anything."""


class Base(Noun):
    """A reply in its place. `sound` ones were given by a therapist and are what is made worse."""

    item: JudgeItem
    sound: bool

    @property
    def group(self) -> str:
        """What it is not independent of."""
        return self.item.context.group


def bases_of(folder: RunFolder, count: int, seed: int, labels: Labels | None = None) -> list[Base]:
    """Return `count` distinct replies, or as many as there are.

    Where an evaluation has been run: to each scenario the real therapist's reply, then those of
    the models in turn. Otherwise the therapist's replies in accepted sessions, one place of each
    session after the other. A run that has neither takes the replies that people have rated.

    Raises:
        EvaluationError: There are fewer than `FEWEST`.
        StoreError: A file is damaged.
    """
    found = list(_answered(folder)) or list(_played(folder, seed)) or list(_rated(labels))
    distinct: dict[str, Base] = {}
    for base in found:
        distinct.setdefault(base.item.answer.judged_id, base)
    chosen = list(distinct.values())[:count]
    if len(chosen) < FEWEST or sum(base.sound for base in chosen) < 2:
        raise EvaluationError(
            "there are too few replies to try a judge on",
            where=str(folder.root),
            expected=f"{FEWEST} answers of an evaluation, or replies of accepted sessions",
            got=str(len(chosen)),
            mend="Run `rehearsal campaign run` or `rehearsal evaluate` on this run file first, or "
            "give people's ratings with --human.",
        )
    return chosen


def _answered(folder: RunFolder) -> Iterable[Base]:
    """Yield replies of an evaluation: every second one the therapist's own."""
    contexts = list(read_nouns(folder.contexts, HeldOutContext))
    said: dict[str, list[Answer]] = defaultdict(list)
    for answer in read_nouns(folder.evaluation / ANSWERS, Answer):
        if answer.text.strip() and answer.variant != REFERENCE:
            said[answer.scenario_id].append(answer)
    if not said:
        return
    for place, context in enumerate(contexts):
        yield Base(item=JudgeItem(context=context, text=context.reference), sound=True)
        if given := said[context.id]:
            text = given[place % len(given)].text
            yield Base(item=JudgeItem(context=context, text=text), sound=False)


def _rated(labels: Labels | None) -> Iterable[Base]:
    """Yield the replies that people have rated, in turns over the conversations."""
    rows = zip_longest(*(one.items for one in labels.rated)) if labels is not None else ()
    for row in rows:
        yield from (Base(item=item, sound=True) for item in row if item is not None)


def _played(folder: RunFolder, seed: int) -> Iterable[Base]:
    """Yield the therapist's replies in accepted sessions, in turns over the sessions."""
    sessions = [one for one in read_nouns(folder.sessions, Session) if _usable(one)]
    places = [_replies(session, seed) for session in sessions]
    for row in zip_longest(*places):
        yield from (base for base in row if base is not None)


def _usable(session: Session) -> bool:
    return session.status is Status.ACCEPTED and bool(session.turns)


def _replies(session: Session, seed: int) -> Sequence[Base]:
    """Return the session's answers to a client, in random order."""
    turns = session.turns
    found = [
        Base(
            item=JudgeItem(
                context=HeldOutContext(
                    record_id=session.id,
                    topic=session.problem,
                    group=session.persona_id,
                    origin=Origin.SYNTHETIC,
                    turns=turns[:place],
                    reference=turn.text,
                ),
                text=turn.text,
            ),
            sound=True,
        )
        for place, turn in enumerate(turns)
        if place
        and turn.speaker is Speaker.THERAPIST
        and turns[place - 1].speaker is Speaker.CLIENT
    ]
    random.Random(seed_of(seed, "place", session.id)).shuffle(found)
    return found
