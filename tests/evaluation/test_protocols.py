"""Pairs, whole sessions and the adversarial set, with real tiny models and scripted judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from campaigns.heldout import held_out_plan
from corpus.card import CardFacts
from corpus.export import write_export
from corpus.files import read_nouns, write_nouns, write_text
from corpus.manifest import MESSAGES, file_hash
from domain.comparison import Comparison
from domain.errors import LeakError, StoreError, TrustError
from domain.played import PlayedSession
from domain.progress import silent
from domain.record import Origin
from domain.scenario import PlanItem
from domain.settings import Settings
from domain.trial import AdversarialResult
from domain.verdict import Protocol, Verdict
from evaluation.run import evaluate
from tests.evaluation.invented_run import record
from tests.evaluation.test_run import Judge, context, folder, settings
from tests.support.threaded import ThreadedServer
from training.summary import SUMMARY_FILE, TrainSummary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.record import Record
    from domain.runfolder import RunFolder

__all__ = ["folder"]

EVALUATION: dict[str, Any] = {
    "max_new_tokens": 12,
    "bootstrap_samples": 200,
    "panel": {"samples": 2},
    "pairwise": {"scenarios": 3, "criteria": ["empathy", "relevance"]},
    "sessions": {"scenarios": 2, "exchanges": 3, "criteria": ["empathy", "safety"]},
    "adversarial": {"per_kind": 1},
    "controls": False,
}
NOTHING_MORE: dict[str, Any] = {"pairwise": {}, "sessions": {}, "adversarial": {}, "panel": {}}


class Everybody(Judge):
    """Plays the client as well, who says the same to everybody."""

    async def complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        if "response_format" in body:
            return await super().complete(request)
        message = {"role": "assistant", "content": f"It was hard, {len(body['messages'])}."}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})


@pytest.fixture
def everybody() -> Everybody:
    return Everybody()


@pytest.fixture
def run(everybody: Everybody, folder: RunFolder) -> Iterator[tuple[Settings, RunFolder]]:
    with ThreadedServer(everybody.app()) as server:
        yield with_all(f"{server.url}/v1"), folder


def with_all(url: str, *, trusted: bool = True, **evaluation: object) -> Settings:
    plain = settings(url).model_dump()
    plain["evaluation"] |= EVALUATION | evaluation
    plain["roles"]["client"] |= {"base_url": url, "model": "client", "trusted_for_real": trusted}
    return Settings.model_validate(plain)


def leak_into(folder: RunFolder, record: Record) -> None:
    write_export(folder.blend("hybrid"), [record], CardFacts(name="hybrid", seed=1))


def trained_on_what_lies_there(folder: RunFolder) -> None:
    summary = TrainSummary(
        variant="hybrid", base="b", blend_hash=file_hash(folder.blend("hybrid") / MESSAGES),
        fingerprint="f", examples=1, steps=1, supervised_tokens=1, epochs=1, first_loss=1,
        last_loss=1, seconds=1,
    )  # fmt: skip
    write_text(folder.adapters / "hybrid" / SUMMARY_FILE, summary.model_dump_json())


def test_every_protocol_is_played_and_judged_and_nothing_is_paid_twice(
    run: tuple[Settings, RunFolder], everybody: Everybody, tiny_base: Path
) -> None:
    chosen, folder = run
    summary = evaluate(chosen, folder, tiny_base, silent, cast=held_out_plan)
    variants = ("base", "real", "hybrid")
    assert summary.panel == ("judge",)
    assert (summary.samples, summary.lineage_unknown) == (2, ("real", "hybrid"))

    pairs = list(read_nouns(folder.evaluation / "pairwise.jsonl", Comparison))
    assert len(pairs) == 3 * 3 * 2 * 2  # pairs of variants, scenarios, criteria, samples
    asked = [one for one in pairs if one.calls[0] and not one.failure]
    assert asked
    assert all(one.swapped and one.winner == "tie" for one in asked)  # "first" both times

    sessions = list(read_nouns(folder.evaluation / "sessions.jsonl", PlayedSession))
    plan = list(read_nouns(folder.evaluation / "session-plan.jsonl", PlanItem))
    assert [one.variant for one in sessions] == [name for name in variants for _ in plan]
    assert {one.scenario_id for one in sessions} == {item.session_id for item in plan}
    assert all(one.failure is None and len(one.turns) == 6 for one in sessions)

    verdicts = list(read_nouns(folder.evaluation / "verdicts.jsonl", Verdict))
    by_protocol = {one: [v for v in verdicts if v.protocol is one] for one in Protocol}
    assert len(by_protocol[Protocol.REPLY]) == 4 * 6 * 2 * 2
    assert len(by_protocol[Protocol.SESSION]) == 3 * 2 * 2 * 2
    assert {one.sample for one in verdicts} == {0, 1}
    assert all(one.judge == "judge" for one in verdicts)

    results = list(read_nouns(folder.evaluation / "adversarial.jsonl", AdversarialResult))
    assert len(results) == 3 * 8
    assert {one.safe for one in results} <= {True, None}
    (every,) = (one for one in summary.adversarial if (one.variant, one.kind) == ("base", "all"))
    assert every.n + every.unknown == 8

    sent, calls = str(everybody.bodies), len(everybody.bodies)
    assert not any(f"'{name}'" in sent for name in ("hybrid", "base"))
    assert evaluate(chosen, folder, tiny_base, silent, cast=held_out_plan) == summary
    assert len(everybody.bodies) == calls
    more = chosen.model_copy(
        update={"evaluation": chosen.evaluation.model_copy(update={"criteria": ("empathy",)})}
    )
    evaluate(more, folder, tiny_base, silent, cast=held_out_plan)
    assert len(everybody.bodies) == calls  # fewer criteria: all of it was asked before


def test_a_scenario_that_a_blend_has_seen_is_a_leak(
    run: tuple[Settings, RunFolder], everybody: Everybody, tiny_base: Path
) -> None:
    chosen, folder = run
    seen = record(1, Origin.REAL).model_copy(update={"group": context(2).group})
    leak_into(folder, seen)
    with pytest.raises(LeakError, match="has seen") as caught:
        evaluate(chosen, folder, tiny_base, silent, cast=held_out_plan)
    assert caught.value.exit_code == 3
    assert not everybody.bodies


def test_an_adapter_of_another_blend_than_the_one_in_the_run_is_not_tried(
    run: tuple[Settings, RunFolder], everybody: Everybody, tiny_base: Path
) -> None:
    chosen, folder = run
    leak_into(folder, record(1, Origin.REAL).model_copy(update={"group": context(2).group}))
    trained_on_what_lies_there(folder)
    leak_into(folder, record(9, Origin.REAL))  # blended anew: by this one it has seen nothing
    with pytest.raises(LeakError, match="hybrid: trained on another blend") as caught:
        evaluate(chosen, folder, tiny_base, silent, cast=held_out_plan)
    assert caught.value.exit_code == 3
    assert caught.value.mend == f'train again: rehearsal train "{folder.root}"'
    assert not everybody.bodies
    assert not folder.evaluation.exists()
    (folder.adapters / "hybrid" / SUMMARY_FILE).write_text("{")
    with pytest.raises(StoreError, match="trained on cannot be read"):
        evaluate(chosen, folder, tiny_base, silent, cast=held_out_plan)
    trained_on_what_lies_there(folder)
    asked = with_all(chosen.roles.judge.base_url, **NOTHING_MORE)
    assert evaluate(asked, folder, tiny_base, silent).blends == {
        "hybrid": file_hash(folder.blend("hybrid") / MESSAGES)
    }


def test_a_persona_that_a_blend_has_seen_is_a_leak_in_a_file_and_passed_over_in_a_cast(
    run: tuple[Settings, RunFolder], everybody: Everybody, tiny_base: Path
) -> None:
    chosen, folder = run
    first = held_out_plan(chosen, frozenset())
    leak_into(folder, record(3, Origin.SYNTHETIC).model_copy(update={"group": first[0].persona.id}))
    assert first[0].persona.id not in {
        one.persona.id for one in held_out_plan(chosen, frozenset({first[0].persona.id}))
    }
    write_nouns(folder.root / "brought.jsonl", first)
    brought = {**EVALUATION["sessions"], "cast": str(folder.root / "brought.jsonl")}
    chosen = with_all(chosen.roles.judge.base_url, sessions=brought)
    with pytest.raises(LeakError, match="has seen"):
        evaluate(chosen, folder, tiny_base, silent, cast=held_out_plan)
    assert not everybody.bodies


def test_a_model_that_may_repeat_real_words_speaks_to_no_client_that_is_not_trusted(
    run: tuple[Settings, RunFolder], everybody: Everybody, tiny_base: Path
) -> None:
    chosen, folder = run
    chosen = with_all(chosen.roles.judge.base_url, trusted=False)
    with pytest.raises(TrustError, match="real people's words"):
        evaluate(chosen, folder, tiny_base, silent, cast=held_out_plan)
    assert not everybody.bodies
