"""A session's trace as a tree for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from domain.call import Outcome, Role
from domain.turn import Speaker

if TYPE_CHECKING:
    from campaigns.trace import CallTrace, DraftTrace, Trace
    from domain.critique import Critique
    from domain.session import Draft

SPOKEN = {Role.CLIENT, Role.THERAPIST}
COLOURS = {Speaker.CLIENT: "cyan", Speaker.THERAPIST: "green"}


def trace_tree(trace: Trace, *, prompts: bool) -> Tree:
    """Lay a trace out: drafts, turns with their calls, critiques with what they quote.

    Args:
        trace: The session.
        prompts: Whether to show each call's messages.
    """
    session, persona = trace.session, trace.item.persona
    status = "not finished" if session is None else session.status.value
    best = "" if session is None or session.best is None else f", best draft: {session.best}"
    root = Tree(Text(f"{trace.item.session_id}  {status}{best}", style="bold"))
    root.add(
        Text(
            f"{persona.name}, {persona.age}, {persona.occupation} · {persona.problem}, "
            f"{persona.style.value} · {trace.item.scenario.technique} · "
            f"{_tokens(trace)} tokens in {len(trace.calls)} calls"
        )
    )
    for draft in trace.drafts:
        _add_draft(root, draft, prompts=prompts)
    if session is not None and session.failure is not None:
        why = session.failure
        root.add(
            Text(f"failed: {why.role} call {why.call}: {why.outcome}: {why.detail}", style="red")
        )
    return root


def _tokens(trace: Trace) -> str:
    """Add up the calls' tokens; `~` where some of them are estimated."""
    mark = "~" if any(call.tokens_estimated for call in trace.calls) else ""
    tokens = sum(c.usage.prompt_tokens + c.usage.completion_tokens for c in trace.calls)
    return f"{mark}{tokens:,}"


def _add_draft(root: Tree, traced: DraftTrace, *, prompts: bool) -> None:
    draft = traced.draft
    if draft is None:
        branch = root.add(Text(f"draft {traced.number}, not finished", style="bold"))
        for call in traced.calls:
            _add_call(branch, call, prompts=prompts)
        return
    branch = root.add(Text(_head(draft), style="bold"))
    for line in draft.guidance:
        branch.add(Text(f"guidance: {line}", style="italic"))
    spoken = [c for c in traced.calls if c.role in SPOKEN and c.outcome is Outcome.OK]
    for turn, call in zip(draft.turns[draft.start :], spoken, strict=False):
        said = Text(f"[{turn.index}] ", style="dim")
        said.append(f"{turn.speaker.value}: ", style=COLOURS[turn.speaker]).append(turn.text)
        _add_call(branch.add(said), call, prompts=prompts)
    shown = {call.key for call in spoken[: len(draft.turns) - draft.start]}
    for call in traced.calls:
        if call.key not in shown:
            _add_call(branch, call, prompts=prompts)
    if draft.critique:
        _add_critique(branch, draft.critique, draft)


def _head(draft: Draft) -> str:
    head = f"draft {draft.number}"
    if draft.number:
        head += f": turns 0–{draft.start - 1} kept, played again from turn {draft.start}"
    return f"{head} ({draft.stop_reason.value.replace('_', ' ')})"


def _add_call(branch: Tree, call: CallTrace, *, prompts: bool) -> None:
    detail = f" {call.detail}" if call.detail else ""
    mark = "~" if call.tokens_estimated else ""
    tokens = f"{mark}{call.usage.prompt_tokens}+{call.usage.completion_tokens} tokens"
    line = (
        f"{call.role.value} · {call.model} · step {call.step}, attempt {call.attempt} · "
        f"{call.outcome.value}{detail} · {tokens} · {call.latency_ms:.0f} ms"
    )
    node = branch.add(Text(line, style="dim"))
    if prompts:
        for message in call.messages:
            node.add(Text(f"{message.role}: {message.content}", style="dim"))
        node.add(Text(f"answer: {call.answer}", style="dim"))


def _add_critique(branch: Tree, critique: Critique, draft: Draft) -> None:
    said = {turn.index: turn.text for turn in draft.turns}
    verdict = "accepted" if critique.accepted else "not accepted"
    node = branch.add(
        Text(
            f"critique: {verdict}, {critique.score:.0%} of the points",
            style="bold green" if critique.accepted else "bold yellow",
        )
    )
    for reason in critique.reasons:  # failed gates are among them
        node.add(Text(f"because {reason}"))
    for found in critique.detections:
        at = ", ".join(map(str, found.turns))
        name = found.detector.value.replace("_", " ")
        node.add(Text(f"in the text: {name}, turn {at}: {found.shown}", style="magenta"))
    for flaw in critique.answer.flaws:
        named = node.add(Text(f"turn {flaw.turn}, {flaw.kind}: {flaw.what}"))
        named.add(Text(f"“{said.get(flaw.turn, '')}”", style="dim"))
        named.add(Text(f"instead: {flaw.instead}", style="italic"))
    marks = (
        f"{item.item} {'–' if item.score is None else item.score}" for item in critique.answer.items
    )
    node.add(Text("  ".join(marks), style="dim"))
