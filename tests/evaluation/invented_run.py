"""A run's folder with everything the report reads, all of it invented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from corpus.files import write_nouns, write_text
from corpus.signoff import SignOff, SignOffs
from domain.critique import Critique, CritiqueAnswer, GateAnswer
from domain.record import (
    Deidentification,
    HeldOutContext,
    Origin,
    Provenance,
    Quality,
    Record,
)
from domain.runfolder import RunFolder
from domain.session import Draft, Failure, Session, Status, StopReason
from domain.settings import Settings
from domain.turn import Speaker, Turn
from domain.verdict import Answer, Verdict
from evaluation.statistics import summarise
from evaluation.summary import EvaluationSummary
from tests.evaluation.invented import verdicts

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"
REFERENCE_TEXT = "It sounds as if the whole week has been pressing on you. " * 6


def make_run(
    root: Path, *, scenarios: int = 40, said: str = "That must be hard.", **changes: object
) -> tuple[Settings, RunFolder]:
    """Write a run and return it with its settings; `said` stands in every answer."""
    folder = RunFolder(root)
    settings = Settings.model_validate(
        {"name": "invented", "evaluation": {"bootstrap_samples": 300}, **changes}
    )
    contexts = [context(number, said) for number in range(scenarios)]
    found = judged(contexts, said, scenarios)
    write_nouns(folder.contexts, contexts)
    write_nouns(folder.evaluation / "verdicts.jsonl", found)
    write_nouns(folder.evaluation / "answers.jsonl", answers(contexts, said))
    write_text(
        folder.evaluation / "summary.json",
        summary(settings, contexts, found).model_dump_json(),
    )
    write_nouns(folder.sessions, sessions())
    write_nouns(folder.real, [record(number, Origin.REAL) for number in range(12)])
    write_nouns(folder.held_out, [record(number, Origin.REAL) for number in range(10, 12)])
    write_nouns(folder.synthetic, [record(number, Origin.SYNTHETIC) for number in range(5)])
    signed = SignOff(name=f"R. Reader {said[:9]}", at="2026-11-20T10:00:00+00:00", records=("a",))
    write_text(folder.sign_off, SignOffs(signed=(signed,)).model_dump_json())
    write_text(folder.training / "held-out.json", HELD_OUT)
    return settings, folder


def context(number: int, said: str) -> HeldOutContext:
    text = f"Number {number}: I lay awake again and went over what she had said. {said}"
    return HeldOutContext(
        record_id=f"record-{number // 2:04x}",
        topic="sleep",
        group=f"video-{number // 2}",
        origin=Origin.REAL,
        turns=(
            Turn(index=0, speaker=Speaker.THERAPIST, text="How was the week?"),
            Turn(index=1, speaker=Speaker.CLIENT, text=text),
        ),
        reference=REFERENCE_TEXT,
    )


def answers(contexts: list[HeldOutContext], said: str) -> list[Answer]:
    return [
        Answer(
            scenario_id=one.id,
            variant=variant,
            text=REFERENCE_TEXT if variant == "reference" else f"{variant} says: {said}",
            call=f"{variant}-{one.id}/0/0/0",
        )
        for variant in ("base", "real", "synthetic", "hybrid", "reference")
        for one in contexts
    ]


def judged(contexts: list[HeldOutContext], said: str, scenarios: int) -> list[Verdict]:
    names = {f"scenario-{number:016x}": one.id for number, one in enumerate(contexts)}
    return [
        one.model_copy(
            update={
                "scenario_id": names[one.scenario_id],
                "reason": one.reason and f"{one.reason} {said}",
            }
        )
        for one in verdicts(scenarios)
    ]


def summary(
    settings: Settings, contexts: list[HeldOutContext], found: list[Verdict]
) -> EvaluationSummary:
    groups = {one.id: one.group for one in contexts}
    return EvaluationSummary(
        name=settings.name,
        scenarios=len(contexts),
        groups=len(set(groups.values())),
        origins={"real": len(contexts)},
        variants=("base", "real", "synthetic", "hybrid"),
        criteria=("empathy", "relevance"),
        judge=settings.roles.judge.model,
        supervisor=settings.roles.supervisor.model,
        base="b" * 64,
        adapters={name: name[0] * 64 for name in ("real", "synthetic", "hybrid")},
        answers=4 * len(contexts),
        answer_failures={"base": 1},
        answers_cut={"base": 3, "real": 1},
        verdicts=len(found),
        verdict_failures=sum(one.score is None for one in found),
        statistics=summarise(found, groups, samples=300, seed=1),
    )


def record(number: int, origin: Origin) -> Record:
    real = origin is Origin.REAL
    return Record(
        origin=origin,
        source="annomi" if real else "invented",
        licence="unstated" if real else "Apache-2.0",
        topic="sleep",
        group=f"video-{number}",
        quality=Quality.LOW if number % 5 == 4 else Quality.HIGH,
        deidentification=Deidentification.SIGNED_OFF if real else Deidentification.NOT_NEEDED,
        turns=(
            Turn(index=0, speaker=Speaker.THERAPIST, text=f"Welcome back, week {number}."),
            Turn(index=1, speaker=Speaker.CLIENT, text="I hardly slept."),
        ),
        provenance=Provenance(source_hash="0" * 64, lineage=(f"session-{number:04x}", "p", "s")),
    )


def sessions() -> list[Session]:
    """Three accepted (one of them mended), two rejected, one quarantined."""
    return [
        session(0, Status.ACCEPTED, drafts=1),
        session(1, Status.ACCEPTED, drafts=1),
        session(2, Status.ACCEPTED, drafts=2),
        session(3, Status.REJECTED, drafts=3, gate="crisis_asked"),
        session(4, Status.REJECTED, drafts=3),
        session(5, Status.QUARANTINED, drafts=0),
    ]


def session(number: int, status: Status, *, drafts: int, gate: str = "") -> Session:
    critique = Critique(
        answer=CritiqueAnswer(
            gates=(GateAnswer(gate=gate or "ending", passed=not gate, turns=(), reason="so"),),
            items=(),
            flaws=(),
        ),
        behaviours={},
        score=0.5,
        accepted=status is Status.ACCEPTED,
        reasons=(),
    )
    played = tuple(
        Draft(
            number=draft,
            start=0,
            turns=(Turn(index=0, speaker=Speaker.THERAPIST, text="Hello."),),
            stop_reason=StopReason.AGREED_END,
            critique=critique,
        )
        for draft in range(drafts)
    )
    failed = Failure(call="c/0/0/0", role="client", outcome="timeout", detail="")
    return Session(
        id=f"session-{number:04x}",
        plan_index=number,
        persona_id="p",
        scenario_id="s",
        problem="sleep",
        technique="t",
        style="plain",
        status=status,
        best=drafts - 1 if drafts else None,
        drafts=played,
        failure=failed if status is Status.QUARANTINED else None,
    )


def _losses() -> str:
    means = {"unigram": 5.6, "base": 4.6, "shuffled": 4.2, "real": 3.9, "synthetic": 4.3,
             "hybrid": 4.0}  # fmt: skip
    models = [
        {
            "model": model,
            "mean": mean,
            "records": [
                {
                    "record_id": f"record-{n}",
                    "tokens": 400 + 20 * n,
                    "loss_sum": (400 + 20 * n) * (mean + 0.05 * (n % 4) + 0.01 * n * (mean > 4)),
                }
                for n in range(14)
            ],
        }
        for model, mean in means.items()
    ]
    return json.dumps({"sessions": 14, "tokens": 7420, "models": models})


HELD_OUT = _losses()
