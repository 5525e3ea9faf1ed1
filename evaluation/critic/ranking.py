"""A run's accepted sessions, ranked by the critic: the lowest are those to read first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.files import read_nouns
from domain.base import Noun
from domain.session import Session, Status
from domain.turn import Speaker
from evaluation.critic.human import Talk

if TYPE_CHECKING:
    from domain.runfolder import RunFolder
    from evaluation.critic.quality import QualityCritic


class Ranked(Noun):
    """A session and its log-odds of reading like a good one."""

    session: str
    score: float


def ranked(critic: QualityCritic, folder: RunFolder) -> list[Ranked]:
    """Score every accepted session of a run; the lowest first."""
    accepted = [
        session
        for session in read_nouns(folder.sessions, Session)
        if session.status is Status.ACCEPTED and session.turns
    ]
    if not accepted:
        return []
    scores = critic.scores([_talk(session) for session in accepted])
    found = [
        Ranked(session=session.id, score=round(float(score), 6))
        for session, score in zip(accepted, scores, strict=True)
    ]
    return sorted(found, key=lambda one: (one.score, one.session))


def _talk(session: Session) -> Talk:
    said = {
        speaker: tuple(turn.text for turn in session.turns if turn.speaker is speaker)
        for speaker in Speaker
    }
    return Talk(said[Speaker.THERAPIST], said[Speaker.CLIENT], True, session.id, "", "simulated")
