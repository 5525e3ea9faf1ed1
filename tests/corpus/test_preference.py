from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from corpus.chatform import SESSION_BEGINS
from corpus.files import write_nouns
from corpus.manifest import CARD, MANIFEST
from corpus.preference import PAIRS, export_preferences, pairs_of
from domain.critique import Critique, CritiqueAnswer, Flaw, GateAnswer
from domain.errors import BlendError, ConfigError
from domain.session import Draft, Session, Status, StopReason
from domain.turn import Speaker, Turn
from rehearsal.cli import run as program

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder


def turns(*texts: str) -> tuple[Turn, ...]:
    """Client and therapist in turn; the client begins."""
    sides = (Speaker.CLIENT, Speaker.THERAPIST)
    return tuple(Turn(index=at, speaker=sides[at % 2], text=text) for at, text in enumerate(texts))


def critique(score: float, *, gate: bool = True, flaw_at: int | None = None) -> Critique:
    flaws = (
        ()
        if flaw_at is None
        else (
            Flaw(turn=flaw_at, kind="advice", what="Advice too early.", instead="Reflect first."),
        )
    )
    gates = (GateAnswer(gate="crisis", passed=gate, turns=(), reason=""),)
    answer = CritiqueAnswer(gates=gates, items=(), flaws=flaws)
    return Critique(
        answer=answer,
        behaviours={},
        score=score,
        accepted=score > 0.5 and gate,
        reasons=() if score > 0.5 else ("too low",),
        rewind_to=flaw_at,
    )


def draft(number: int, start: int, said: tuple[Turn, ...], seen: Critique | None) -> Draft:
    return Draft(
        number=number, start=start, turns=said, stop_reason=StopReason.TURN_LIMIT, critique=seen
    )


FIRST = draft(0, 0, turns("I'm tired.", "Sleep more.", "Hm.", "Bye."), critique(0.3, flaw_at=1))
MENDED = draft(1, 1, turns("I'm tired.", "You're worn out.", "Yes.", "Bye."), critique(0.8))


def session(*drafts: Draft, number: int = 0, status: Status = Status.ACCEPTED) -> Session:
    return Session(
        id=f"session-{number}",
        plan_index=number,
        persona_id="p",
        scenario_id="s",
        problem="sleep",
        technique="t",
        style="plain",
        status=status,
        best=len(drafts) - 1,
        drafts=drafts,
    )


def test_a_pair_is_the_first_turn_that_differs_and_why() -> None:
    [pair] = pairs_of(session(FIRST, MENDED))
    assert [one.role for one in pair.prompt] == ["system", "user"]
    assert pair.prompt[-1].content == "I'm tired."
    assert [(one.role, one.content) for one in pair.chosen] == [("assistant", "You're worn out.")]
    assert [(one.role, one.content) for one in pair.rejected] == [("assistant", "Sleep more.")]
    assert pair.critique == "advice: Advice too early. Instead: Reflect first."
    assert pair.flaws == ("advice",)
    assert (pair.score_rejected, pair.score_chosen) == (0.3, 0.8)
    assert (pair.turn, pair.session, pair.chosen_accepted) == (1, "session-0", True)


def test_a_therapist_who_opens_answers_the_beginning_of_the_session() -> None:
    sides = (Speaker.THERAPIST, Speaker.CLIENT)

    def opened(text: str) -> tuple[Turn, ...]:
        return tuple(Turn(index=at, speaker=sides[at], text=[text, "Hi."][at]) for at in range(2))

    before = draft(0, 0, opened("What."), critique(0.3, flaw_at=0))
    [pair] = pairs_of(session(before, draft(1, 0, opened("Welcome."), critique(0.8))))
    assert pair.prompt[-1].content == SESSION_BEGINS
    assert pair.chosen[0].content == "Welcome."


@pytest.mark.parametrize(
    ("revision", "reason"),
    [
        (MENDED.model_copy(update={"critique": critique(0.2)}), "not better than the draft"),
        (MENDED.model_copy(update={"critique": None}), "without a critique"),
        (
            MENDED.model_copy(update={"critique": critique(0.9, gate=False)}),
            "with a gate failed after the revision",
        ),
        (MENDED.model_copy(update={"turns": FIRST.turns}), "with the same answer"),
        (
            MENDED.model_copy(update={"turns": turns("Else.", "You're worn out.")}),
            "without a shared beginning",
        ),
        (
            MENDED.model_copy(update={"turns": turns("I'm tired.")}),
            "without an answer at the turn that was played again",
        ),
    ],
)
def test_a_revision_that_mended_nothing_makes_no_pair(revision: Draft, reason: str) -> None:
    left_out: Counter[str] = Counter()
    assert list(pairs_of(session(FIRST, revision), left_out)) == []
    assert left_out == {reason: 1}


def test_a_session_that_failed_makes_no_pair() -> None:
    assert list(pairs_of(session(FIRST, MENDED, status=Status.QUARANTINED))) == []


def test_an_export_is_read_as_trl_reads_it(run: RunFolder, tmp_path: Path) -> None:
    write_nouns(run.sessions, [session(FIRST, MENDED, number=n) for n in range(3)])
    target = tmp_path / "pairs"
    manifest = export_preferences(run, target)
    assert {path.name for path in target.iterdir()} == {PAIRS, MANIFEST, CARD}
    rows = [json.loads(line) for line in (target / PAIRS).read_text().splitlines()]
    assert len(rows) == manifest.pairs == manifest.sessions == 3
    assert {"prompt", "chosen", "rejected", "critique"} <= rows[0].keys()
    assert rows[0]["chosen"] == [{"role": "assistant", "content": "You're worn out."}]
    assert manifest.flaws == {"advice": 3}
    assert "Not for clinical use" in (target / CARD).read_text()
    with pytest.raises(ConfigError, match="something at the place"):
        export_preferences(run, target)
    assert len((target / PAIRS).read_text().splitlines()) == 3


def test_no_pairs_is_said_with_what_there_was(run: RunFolder, tmp_path: Path) -> None:
    write_nouns(run.sessions, [session(FIRST)])
    with pytest.raises(BlendError, match="no preference pairs") as raised:
        export_preferences(run, tmp_path / "pairs")
    assert "1 sessions" in raised.value.got
    assert not (tmp_path / "pairs").exists()


def test_the_verb_exports_pairs(
    run: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_nouns(run.sessions, [session(FIRST, MENDED)])
    config = tmp_path / "some.yaml"
    config.write_text("name: some\n")
    asked = ["corpus", "export", str(config), "--run", str(run.root), "--format", "preference"]
    assert program([*asked, "--to", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == 1
