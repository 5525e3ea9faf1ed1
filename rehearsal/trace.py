"""`rehearsal trace`: list sessions, and show one as a tree down to its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rehearsal.options import JsonOption, RunArgument

if TYPE_CHECKING:
    from campaigns.trace import Trace, TracedCall
    from rich.tree import Tree

    from domain.critique import Critique
    from domain.session import Draft

app = typer.Typer(help="Follow what happened in a session.", no_args_is_help=True)


@app.command("list")
def list_(
    run: RunArgument,
    status: Annotated[
        str | None, typer.Option(help="Only accepted, rejected or quarantined ones.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List a run's finished sessions."""
    from campaigns.trace import finished_sessions

    from rehearsal.console import emit_json, stdout
    from rehearsal.runfile import open_run

    _, folder = open_run(run)
    sessions = [s for s in finished_sessions(folder) if status in (None, s.status.value)]
    if as_json:
        emit_json(
            [
                {
                    "id": s.id,
                    "plan_index": s.plan_index,
                    "status": s.status.value,
                    "drafts": len(s.drafts),
                    "score": _score(s.drafts, s.best),
                    "problem": s.problem,
                    "technique": s.technique,
                    "style": s.style,
                }
                for s in sessions
            ]
        )
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("session", "status", "drafts", "score", "problem", "technique", "style"):
        table.add_column(head, justify="right" if head in {"drafts", "score"} else "left")
    for s in sessions:
        score = _score(s.drafts, s.best)
        table.add_row(
            s.id, s.status.value, str(len(s.drafts)), "" if score is None else f"{score:.2f}",
            s.problem, s.technique, s.style,
        )  # fmt: skip
    stdout().print(table)
    if sessions:
        stdout().print(f'\nOne of them whole: rehearsal trace show {sessions[0].id} --run "{run}"')


@app.command("show")
def show(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Its id, or the start of it.")],
    run: Annotated[
        str | None, typer.Option("--run", help="The run [default: look through all runs].")
    ] = None,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Show each call's prompt too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a session: drafts, exchanges, calls, critiques, and what a rewind changed."""
    from campaigns.trace import find_session, load_trace

    from rehearsal.console import emit_json, stdout
    from rehearsal.runfile import open_run, runs_root

    folder, session_id = find_session(
        runs_root() if run is None else open_run(run)[1].root, session
    )
    found = load_trace(folder, session_id)
    if as_json:
        emit_json(found)
    else:
        stdout().print(trace_tree(found, prompts=prompts))


def _score(drafts: tuple[Draft, ...], best: int | None) -> float | None:
    if best is None or drafts[best].critique is None:
        return None
    return drafts[best].critique.score


def trace_tree(trace: Trace, *, prompts: bool) -> Tree:
    """Lay a trace out as a tree for the terminal."""
    from rich.text import Text
    from rich.tree import Tree

    session, persona = trace.session, trace.item.persona
    best = "" if session.best is None else f", best draft {session.best}"
    root = Tree(Text(f"{session.id}  {session.status.value}{best}", style="bold"))
    root.add(
        Text(
            f"{persona.name}, {persona.age}, {persona.occupation}: {persona.problem}, "
            f"{persona.style.value}; technique {trace.item.scenario.technique}"
        )
    )
    for draft in session.drafts:
        calls = [call for call in trace.calls if call.draft == draft.number]
        _add_draft(root, draft, calls, prompts=prompts)
    if session.failure:
        failed = session.failure
        root.add(
            Text(f"failed: {failed.role} call {failed.call}: {failed.outcome}: {failed.detail}")
        )
    return root


def _add_draft(root: Tree, draft: Draft, calls: list[TracedCall], *, prompts: bool) -> None:
    from rich.text import Text

    head = f"draft {draft.number}"
    if draft.number:
        head += f"  rewound to turn {draft.start}; turns before it are kept"
    branch = root.add(Text(f"{head}  ({draft.stop_reason.value})", style="bold"))
    for line in draft.guidance:
        branch.add(Text(f"guidance: {line}", style="italic"))
    by_turn = {call.turn: call for call in calls if call.turn is not None and call.outcome == "ok"}
    for turn in draft.turns[draft.start :]:
        said = branch.add(Text(f"[{turn.index}] {turn.speaker.value}: {turn.text}"))
        call = by_turn.get(turn.index)
        if call:
            _add_call(said, call, prompts=prompts)
    for call in calls:
        if call.turn is None or call.outcome != "ok":
            _add_call(branch, call, prompts=prompts)
    if draft.critique:
        _add_critique(branch, draft.critique, draft)


def _add_call(branch: Tree, call: TracedCall, *, prompts: bool) -> None:
    from rich.text import Text

    detail = f" {call.detail}" if call.detail else ""
    line = (
        f"{call.role} · {call.key} · {call.outcome}{detail} · "
        f"{call.prompt_tokens}+{call.completion_tokens} tokens · {call.latency_ms:.0f} ms"
    )
    node = branch.add(Text(line, style="dim"))
    if prompts:
        for message in call.messages:
            node.add(Text(f"{message['role']}: {message['content']}", style="dim"))


def _add_critique(branch: Tree, critique: Critique, draft: Draft) -> None:
    from rich.text import Text

    said = {turn.index: turn.text for turn in draft.turns}
    verdict = "accepted" if critique.accepted else "not accepted"
    node = branch.add(
        Text(f"critique: {verdict}, {critique.score:.2f} of the points", style="bold")
    )
    for reason in critique.reasons:
        node.add(Text(f"because {reason}"))
    for gate in critique.answer.gates:
        if not gate.passed:
            node.add(Text(f"gate {gate.gate} failed: {gate.reason}", style="red"))
    for flaw in critique.answer.flaws:
        quoted = node.add(Text(f"turn {flaw.turn}, {flaw.kind}: {flaw.what}"))
        quoted.add(Text(f"“{said.get(flaw.turn, '')}”", style="dim"))
        quoted.add(Text(f"instead: {flaw.instead}", style="italic"))
    marks = "  ".join(
        f"{item.item} {'–' if item.score is None else item.score}" for item in critique.answer.items
    )
    node.add(Text(marks, style="dim"))
