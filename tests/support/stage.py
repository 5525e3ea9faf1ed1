"""A stage for graphs: a scripted endpoint that plays client, therapist and supervisor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.llm import NullJournal, RoleModel
from agents.retry import Backoff
from domain.call import Role
from domain.settings import CampaignSettings, RoleSettings
from graphs.context import PlayContext
from tests.support.scripted import Asked, Reply, ScriptedEndpoint, says

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agents.pack import Pack
    from domain.journal import Journal

LAST = re.compile(r"Exchange: (\d+) of (\d+)")


def speak(asked: Asked) -> Reply:
    """Say a line that tells role, exchange and seed; close in the last exchange."""
    notes = LAST.search(asked.messages[-1]["content"])
    assert notes
    role, last = asked.body["model"], notes[1] == notes[2]
    if last:
        return says("Goodbye." if role == "client" else "Thank you for today. Goodbye, Mara.")
    word = "I felt" if role == "client" else "What was"
    return says(f"{word} number {notes[1]}, seed {asked.body['seed']}.")


class Stage:
    """Plays a session with `critiques` in order, the last one again and again.

    `lines` replaces what a role says: a function of the request that returns None to keep the
    ordinary line.
    """

    def __init__(
        self,
        pack: Pack,
        critiques: Sequence[str | Reply] = (),
        lines: Mapping[str, Callable[[Asked], Reply | None]] | None = None,
    ) -> None:
        self.pack = pack
        self.server = ScriptedEndpoint(self._script)
        self._critiques = critiques
        self._lines = lines or {}
        self._criticised = 0

    def _script(self, asked: Asked) -> Reply:
        role = asked.body["model"]
        own = self._lines.get(role)
        line = own(asked) if own else None
        if line is not None:
            return line
        if role != "supervisor":
            return speak(asked)
        critique = self._critiques[min(self._criticised, len(self._critiques) - 1)]
        self._criticised += 1
        return critique if isinstance(critique, Reply) else says(critique)

    def context(
        self, journal: Journal | None = None, exchanges: int = 4, revisions: int = 2
    ) -> PlayContext:
        """Return a context whose models are at this stage's server."""

        def model(role: Role) -> RoleModel:
            settings = RoleSettings(
                model=role.value, base_url=self.server.base_url, retries=1, patience_s=0
            )
            return RoleModel(role, settings, journal or NullJournal(), Backoff(first_s=0))

        return PlayContext(
            pack=self.pack,
            settings=CampaignSettings(exchanges=exchanges, revisions=revisions),
            client=model(Role.CLIENT),
            therapist=model(Role.THERAPIST),
            supervisor=model(Role.SUPERVISOR),
        )

    def asked_of(self, role: str) -> list[Asked]:
        """Return the requests made for `role`."""
        return [asked for asked in self.server.asked if asked.body["model"] == role]
