"""What `rehearsal train preview` shows: coloured on a terminal, marked where there is no colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from training.preview import Part, Preview

LEARNED, CONTEXT = "bold black on green", "dim"
OPEN, CLOSE = "⟦", "⟧"
"""Around what is learned, where there is no colour."""


def head_of(seen: Preview) -> list[str]:
    """Say what is shown, and how much of it is learned."""
    share = seen.learned / seen.tokens
    lines = [
        f"Session {seen.place} of {seen.sessions} ({seen.source}): {seen.session}",
        f"in the chat template of {seen.base}",
        f"{seen.tokens:,} tokens: {seen.learned:,} learned ({share:.0%}), in {seen.turns} turns of "
        f"the therapist;",
        f"{seen.tokens - seen.learned:,} context only (system, client, headers)",
    ]
    if len(seen.parts) > 1:
        lines.append(
            f"{len(seen.parts)} parts of at most {seen.max_length:,} tokens; "
            "each turn is learned in one of them"
        )
    return lines


def lay_out(seen: Preview) -> Text:
    """Return the session with what is learned in colour."""
    from rich.text import Text

    made = Text("\n".join(head_of(seen)))
    made.append("\n\nLegend: ").append("learned", LEARNED).append("  ").append("context", CONTEXT)
    for number, part in enumerate(seen.parts, start=1):
        made.append(f"\n\n{_title(seen, number)}\n", "bold")
        for learned, text in _shown(part):
            made.append(text, LEARNED if learned else CONTEXT)
            made.append("\n" if learned else "")
    return made


def marked(seen: Preview) -> Text:
    """Return the session with what is learned in brackets."""
    from rich.text import Text

    made = Text("\n".join(head_of(seen)))
    made.append(f"\n\nLegend: {OPEN}learned{CLOSE}  context")
    for number, part in enumerate(seen.parts, start=1):
        made.append(f"\n\n{_title(seen, number)}\n")
        for learned, text in _shown(part):
            made.append(f"{OPEN}{text}{CLOSE}\n" if learned else text)
    return made


def _shown(part: Part) -> Iterator[tuple[bool, str]]:
    """Yield the spans for a terminal: lines break after what is learned, controls are not sent."""
    after = False
    for span in part.spans:
        text = span.text.removeprefix("\n") if after else span.text
        yield (
            span.learned,
            "".join(one if one == "\n" or one.isprintable() else "�" for one in text),
        )
        after = span.learned


def _title(seen: Preview, number: int) -> str:
    part = seen.parts[number - 1]
    counts = f"{part.tokens:,} tokens, {part.learned:,} learned"
    return f"part {number} of {len(seen.parts)}: {counts}" if len(seen.parts) > 1 else counts
