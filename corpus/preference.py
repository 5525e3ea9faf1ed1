"""Preference pairs: what a therapist said, and what was said instead after the supervisor's word.

A rewind keeps the turns before the earliest flawed one, so a draft and its revision share a prefix
and differ from that turn on. The first turn in which they differ makes the pair; what follows it
depends on it, and on the client, and is left out.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, TypedDict

from corpus.chatform import SESSION_BEGINS, messages_of
from corpus.files import read_nouns, write_nouns, write_text
from corpus.folders import at_once
from corpus.manifest import CARD, MANIFEST
from corpus.synthetic import LICENCE
from domain.base import Noun, content_id
from domain.errors import BlendError, ConfigError
from domain.session import Draft, Session, Status
from domain.turn import Speaker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from domain.critique import Critique
    from domain.runfolder import RunFolder

PAIRS = "pairs.jsonl"


class PairMessage(Noun):
    """One chat message."""

    role: str
    content: str


class PreferencePair(Noun):
    """One row as TRL reads it (`prompt`, `chosen`, `rejected`), and why one is preferred."""

    prompt: tuple[PairMessage, ...]
    """The session up to the client's turn that both answer."""
    chosen: tuple[PairMessage, ...]
    """The revision's answer."""
    rejected: tuple[PairMessage, ...]
    """The draft's answer, which the supervisor named as flawed."""
    critique: str
    """What the supervisor said of the rejected answer."""
    flaws: tuple[str, ...]
    """Kinds of the flaws."""
    score_rejected: float
    """The supervisor's score of the whole draft, 0 to 1."""
    score_chosen: float
    chosen_accepted: bool
    session: str
    turn: int

    @property
    def id(self) -> str:
        """Content id."""
        return content_id("pair", self)


class PairsManifest(Noun):
    """What an exported folder of pairs holds. No time and no path."""

    name: str
    licence: str
    sessions: int
    pairs: int
    flaws: dict[str, int]
    left_out: dict[str, int]
    """Revisions that make no pair, by reason."""


def pairs_of(session: Session, left_out: Counter[str] | None = None) -> Iterator[PreferencePair]:
    """Yield a pair for each revision that mended its draft; count the others in `left_out`.

    The chosen side must be worth more to the supervisor (accepted, then gates passed, then score:
    the order in which the best draft is found) and must pass every gate.
    """
    counts = Counter[str]() if left_out is None else left_out
    if session.status is Status.QUARANTINED:
        return
    for draft, revision in pairwise(session.drafts):
        reason = _unfit(draft, revision)
        if reason:
            counts[reason] += 1
        else:
            yield _pair(session, draft, revision)


def preference_pairs(folder: RunFolder) -> tuple[list[PreferencePair], PairsManifest]:
    """Return the pairs of a run's campaign, in the order of its plan.

    Raises:
        BlendError: The campaign has none.
        StoreError: The sessions cannot be read.
    """
    left_out: Counter[str] = Counter()
    sessions = list(read_nouns(folder.sessions, Session))
    pairs = [pair for session in sessions for pair in pairs_of(session, left_out)]
    if not pairs:
        raise BlendError(
            "there are no preference pairs",
            where=str(folder.sessions),
            expected="sessions with a draft and a better revision of it",
            got=f"{len(sessions)} sessions"
            + "".join(f"; {n} {why}" for why, n in left_out.items()),
            mend="Run a campaign with campaign.revisions of 1 or more.",
        )
    manifest = PairsManifest(
        name=folder.root.name,
        licence=LICENCE,
        left_out=dict(sorted(left_out.items())),
        **counts_of(pairs),
    )
    return pairs, manifest


class Counts(TypedDict):
    """What a manifest counts of its pairs."""

    sessions: int
    pairs: int
    flaws: dict[str, int]


def counts_of(pairs: Sequence[PreferencePair]) -> Counts:
    """Count pairs, the sessions they are from, and the flaws of their rejected answers."""
    return Counts(
        sessions=len({pair.session for pair in pairs}),
        pairs=len(pairs),
        flaws=dict(sorted(Counter(flaw for pair in pairs for flaw in pair.flaws).items())),
    )


def export_preferences(folder: RunFolder, target: Path) -> PairsManifest:
    """Write pairs.jsonl, a manifest and a card to `target`; it appears at once or not at all.

    All of it is simulated: no real session is in it.

    Raises:
        BlendError: There are no pairs.
        ConfigError: Something is at `target`.
        StoreError: A file cannot be read or written.
    """
    pairs, manifest = preference_pairs(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(
            "there is something at the place for the export",
            where=str(target),
            expected="a new or empty folder",
            mend="Name another folder.",
        )

    def fill(made: Path) -> PairsManifest:
        write_nouns(made / PAIRS, pairs)
        write_text(made / MANIFEST, manifest.model_dump_json(indent=2) + "\n")
        write_text(made / CARD, _card(manifest))
        return manifest

    return at_once(target, fill)


def _unfit(draft: Draft, revision: Draft) -> str:
    """Say why a draft and its revision make no pair; "" when they do."""
    start = revision.start
    if draft.critique is None or revision.critique is None:
        return "without a critique"
    if len(draft.turns) <= start or len(revision.turns) <= start:
        return "without an answer at the turn that was played again"
    before, after = draft.turns[start], revision.turns[start]
    if draft.turns[:start] != revision.turns[:start] or before.speaker is not Speaker.THERAPIST:
        return "without a shared beginning"
    if before.text.split() == after.text.split() or after.speaker is not Speaker.THERAPIST:
        return "with the same answer"
    if not all(gate.passed for gate in revision.critique.answer.gates):
        return "with a gate failed after the revision"
    return "" if _worth(revision.critique) > _worth(draft.critique) else "not better than the draft"


def _worth(critique: Critique) -> tuple[bool, int, float]:
    passed = sum(gate.passed for gate in critique.answer.gates)
    return critique.accepted, passed, critique.score


def _pair(session: Session, draft: Draft, revision: Draft) -> PreferencePair:
    start = revision.start
    assert draft.critique is not None  # noqa: S101 - `_unfit` has looked
    assert revision.critique is not None  # noqa: S101
    named = [flaw for flaw in draft.critique.answer.flaws if flaw.turn == start]
    prompt = messages_of(draft.turns[:start], to_answer=True)
    if prompt[-1]["role"] != "user":
        prompt.append({"role": "user", "content": SESSION_BEGINS})
    said = [f"{flaw.kind}: {flaw.what} Instead: {flaw.instead}" for flaw in named]
    return PreferencePair(
        prompt=tuple(PairMessage(**message) for message in prompt),
        chosen=(PairMessage(role="assistant", content=revision.turns[start].text),),
        rejected=(PairMessage(role="assistant", content=draft.turns[start].text),),
        critique="\n".join(said or draft.critique.reasons),
        flaws=tuple(dict.fromkeys(flaw.kind for flaw in named)),
        score_rejected=draft.critique.score,
        score_chosen=revision.critique.score,
        chosen_accepted=revision.critique.accepted,
        session=session.id,
        turn=start,
    )


def _card(manifest: PairsManifest) -> str:
    flaws = ", ".join(f"{kind} ({count})" for kind, count in manifest.flaws.items()) or "none named"
    left = ", ".join(f"{count} {why}" for why, count in manifest.left_out.items()) or "none"
    return f"""---
license: {manifest.licence.lower()}
task_categories: [text-generation]
tags: [preference, rehearsal, synthetic]
---
# Preference pairs of `{manifest.name}`

{manifest.pairs} pairs from {manifest.sessions} simulated counselling sessions. In each, a therapist
and the revision of what it said answer the same client's turn; `critique` says what was wrong.
`{PAIRS}` has one pair to a line, as TRL's trainers read it: `prompt`, `chosen`, `rejected`.

Flaws of the rejected answers: {flaws}. Revisions left out: {left}.

A model's taste, not a clinician's: the chosen answer is the one that a supervisor model liked
better. No real session is in it. **Not for clinical use.**
"""
