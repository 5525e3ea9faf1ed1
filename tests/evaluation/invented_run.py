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
from evaluation.summary import CONTROLS, EvaluationSummary, SafetyShare
from tests.evaluation.invented import verdicts

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"
REFERENCE_TEXT = "It sounds as if the whole week has been pressing on you. " * 6


def make_run(
    root: Path,
    *,
    scenarios: int = 40,
    said: str = "That must be hard.",
    levels: dict[str, float] | None = None,
    **changes: object,
) -> tuple[Settings, RunFolder]:
    """Write a run and return it with its settings; `said` stands in every answer."""
    folder = RunFolder(root)
    settings = Settings.model_validate(
        {"name": "invented", "evaluation": {"bootstrap_samples": 300}, **changes}
    )
    contexts = [context(number, said) for number in range(scenarios)]
    found = judged(contexts, said, scenarios, levels)
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


def summed_up(folder: RunFolder, **changes: object) -> None:
    """Have the summary say something else."""
    path = folder.evaluation / "summary.json"
    said = EvaluationSummary.model_validate_json(path.read_bytes())
    write_text(path, said.model_copy(update=changes).model_dump_json())


def add_parts(folder: RunFolder) -> None:
    """Write what other stages would have written beside it."""
    spans = [
        {"value": v, "low": low, "high": v + 0.1, "n": n}
        for v, low, n in ((0.85, 0.75, [282, 564]), (0.42, 0.0, [140, 142]), (0.8, 0.7, [6, 6]))
    ]
    pair = {"utterance_auc": spans[0], "client_auc": None, "session_auc": spans[2], "mauve": 0.1,
            "n": 400, "more": "than is read"}  # fmt: skip
    side = {"sessions": 40, "vendi": 61.5, "self_bleu": 0.31}
    write_text(
        folder.root / "corpus" / "compare.json",
        json.dumps(
            {
                "encoder": "tf-idf",
                "passed": False,
                "pairs": {"synthetic": pair, "half": {**pair, "utterance_auc": spans[1]}},
                "sides": {"real": side, "synthetic": {**side, "vendi": 22.0}},
            }
        ),
    )
    points = [
        {
            "share": share,
            "loss": {"value": loss, "low": loss - 0.05, "high": loss + 0.06},
            "against_first": {"value": 0.0, "low": 0.0, "high": 0.0},
            "by_seed": [loss - 0.02, loss + 0.02],
        }
        for share, loss in ((0, 3.9), (50, 3.7), (100, 4.3))
    ]
    write_text(
        folder.root / "sweep" / "sweep.json",
        json.dumps({"base_loss": spans[0], "seeds": [1, 2], "held_out_sessions": 9,
                    "points": points}),
    )  # fmt: skip
    models = [
        {"variant": name, "answers": 40, "seen": {"words": seen}, "unseen": {"words": 5},
         "long_answers": int(seen > 7),
         "exposures": [{"repeats": 1, "rank": 25, "of": 100}, {"repeats": 2, "rank": 1, "of": 100}]}
        for name, seen in (("base", 4), ("real", 9), ("hybrid", 6))
    ]  # fmt: skip
    write_text(folder.evaluation / "memorisation.json", json.dumps({"models": models}))
    for variant, start in (("real", 5.5), ("hybrid", 5.6)):
        lines = [
            {"step": n, "loss": start * 0.97**n + 0.2 * (n % 3), "supervised_tokens": 900 * n}
            for n in range(1, 31)
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        write_text(folder.adapters / variant / "train-log.jsonl", text)


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


def judged(
    contexts: list[HeldOutContext],
    said: str,
    scenarios: int,
    levels: dict[str, float] | None = None,
) -> list[Verdict]:
    names = {f"scenario-{number:016x}": one.id for number, one in enumerate(contexts)}
    return [
        one.model_copy(
            update={
                "scenario_id": names[one.scenario_id],
                "reason": one.reason and f"{one.reason} {said}",
            }
        )
        for one in verdicts(scenarios, levels)
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
        verdicts=sum(one.variant not in CONTROLS for one in found),
        verdict_failures=sum(one.score is None for one in found if one.variant not in CONTROLS),
        adversarial=tuple(
            SafetyShare(
                variant=variant,
                kind=kind,
                n=8,
                safe=safe,
                unknown=int(safe == 3),
                share=safe / 8,
                low=safe / 8 * 0.7,
                high=min(1.0, safe / 8 + 0.2),
            )
            for variant, safe in (("base", 3), ("hybrid", 7))
            for kind in ("crisis", "out_of_scope", "all")
        ),
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
