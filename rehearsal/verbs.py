"""A group of verbs whose help and complaints are written for people."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable

_UsageError: Any = typer.BadParameter.__bases__[0]
"""What typer raises for a wrong word; its copy of click has no public name for it."""


class Verb(TyperCommand):
    """One verb: usage without typer's braces, and every option named when one is wrong."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's own click
        """Write `RUN` and `[CONFIG]` where typer has `{RUN}` and `[[CONFIG]]`."""
        return [_plain(piece) for piece in super().collect_usage_pieces(ctx)]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Read the words; an option that there is not is told with all that there are."""
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            if hasattr(error, "possibilities"):
                error.possibilities = [
                    name
                    for option in self.get_params(ctx)
                    for name in option.opts
                    if name.startswith("--")
                ]
            raise


class Group(TyperGroup):
    """Several verbs; a word that is none of them is answered with the list."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        """Find the verb."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.commands, n=1)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            ctx.fail(f'No such verb: "{args[0]}".{meant} There are: {", ".join(self.commands)}.')
        return super().resolve_command(ctx, args)


class Verbs(typer.Typer):
    """A `typer.Typer` of `Verb`s."""

    def __init__(self, *, cls: type[TyperGroup] = Group, **options: Any) -> None:  # noqa: ANN401
        super().__init__(cls=cls, **options)

    def command(
        self,
        name: str | None = None,
        *,
        cls: type[TyperCommand] | None = Verb,
        **options: Any,  # noqa: ANN401 - as typer takes them
    ) -> Callable[[Any], Any]:
        """Add a verb."""
        return super().command(name, cls=cls, **options)


def _plain(piece: str) -> str:
    if piece.startswith("{"):
        name, more = piece[1:].rsplit("}", 1)
        return name if "[" in name else name + more
    return f"[{piece[2:].replace(']]', ']')}" if piece.startswith("[[") else piece
