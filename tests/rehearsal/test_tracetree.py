"""`trace show`: the tree of one session, with its tokens and what was said against it."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from agents.acceptance import critique_of
from agents.pack import load_pack
from campaigns.run import run_campaign
from campaigns.trace import load_trace
from domain.progress import silent
from domain.runfolder import RunFolder
from rehearsal.tracetree import trace_tree
from tests.campaigns.conftest import Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from campaigns.trace import Trace


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with open_stage(Stage(), monkeypatch) as made:
        yield made


def shown(trace: Trace) -> str:
    with Console(width=400, file=StringIO(), record=True) as screen:
        screen.print(trace_tree(trace, prompts=False))
    return screen.export_text()


@pytest.mark.parametrize("reported", [True, False])
def test_tokens_that_nobody_reported_are_shown_as_an_estimate(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reported: bool
) -> None:
    monkeypatch.setattr(stage.endpoint, "reports_usage", reported)
    folder = RunFolder(tmp_path)
    summary = run_campaign(stage.settings(1), folder, silent)
    trace = load_trace(folder, "0")
    counts = [call.usage.prompt_tokens + call.usage.completion_tokens for call in trace.calls]
    assert min(counts) > 0
    assert sum(counts) == summary.tokens + summary.estimated_tokens
    mark = "" if reported else "~"
    said = shown(trace)
    assert f"· {mark}{sum(counts):,} tokens in {len(counts)} calls" in said
    assert said.count("~") == (0 if reported else len(counts) + 1)
    assert "0+0 tokens" not in said


def test_a_failed_gate_is_told_once(stage: Stage, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    run_campaign(stage.settings(1), folder, silent)
    trace = load_trace(folder, "0")
    first = trace.drafts[0]
    assert first.draft is not None
    assert first.draft.critique is not None
    answer = first.draft.critique.answer
    gates = [
        gate.model_copy(update={"passed": False, "reason": f"Something against {gate.gate}."})
        for gate in answer.gates
    ]
    failed = answer.model_copy(update={"gates": tuple(gates)})
    critique = critique_of(failed, load_pack("cbt"), trace.item.persona, first.draft.turns)
    draft = first.draft.model_copy(update={"critique": critique})
    against = first.model_copy(update={"draft": draft})
    said = shown(trace.model_copy(update={"drafts": (against,)}))
    for gate in gates:
        assert said.count(gate.reason) == 1
