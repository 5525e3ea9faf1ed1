"""A job for tests: each item makes a few calls to an HTTP endpoint, through the journal."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from domain.base import canonical_json
from domain.call import CALL_HEADER, CallKey, CallResult, CallRow, Outcome, Reservation, Role, Usage
from engine.spending.budget import PROMPT_MARGIN

if TYPE_CHECKING:
    from domain.journal import Journal


KEY = CallKey(session="session-0", draft=0, step=0, attempt=0)

DEADLY_STEP = 3
"""So that others are in the middle of their talk as well."""


class TalkJob:
    """Says `calls` things to the endpoint; each request holds all that was said before."""

    def __init__(self, payload: bytes, journal: Journal) -> None:
        self.options = json.loads(payload)
        self.journal = journal
        self.http: aiohttp.ClientSession | None = None

    async def run(self, item: bytes) -> bytes:
        said = [item.decode()]
        if said[0] == self.options.get("bad"):
            raise KeyError("a fault of the job")
        for step in range(self.options["calls"]):
            if item.decode() == self.options.get("deadly") and step == DEADLY_STEP:
                die_once(Path(self.options["died"]))
            said.append(await self.say(item.decode(), step, said))
        return canonical_json(said)

    async def say(self, session: str, step: int, said: list[str]) -> str:
        key = CallKey(session=session, draft=0, step=step, attempt=0)
        request = canonical_json({"messages": said})
        digest = sha256(request).hexdigest()
        result = self.journal.recall(key, digest)
        if result is None:
            await self.journal.permit(Reservation(key, Role.CLIENT, "m", len(request), 20))
            result = await self.ask(request, str(key))
            await self.journal.record(
                CallRow(
                    key=key,
                    role=Role.CLIENT,
                    endpoint=self.options["url"],
                    request_hash=digest,
                    request=request,
                    result=result,
                )
            )
        return result.text

    async def ask(self, request: bytes, key: str) -> CallResult:
        if self.http is None:
            self.http = aiohttp.ClientSession()
        async with self.http.post(
            self.options["url"], data=request, headers={CALL_HEADER: key}
        ) as response:
            text = await response.text()
        usage = Usage(prompt_tokens=10, completion_tokens=5)
        if self.options.get("greedy"):  # every byte a token, and all of the answer it may give
            usage = Usage(prompt_tokens=len(request) + PROMPT_MARGIN, completion_tokens=20)
        return CallResult(outcome=Outcome.OK, text=text, usage=usage)

    async def aclose(self) -> None:
        if self.http is not None:
            await self.http.close()


def die_once(mark: Path) -> None:
    """End this process without a word, unless it was done before."""
    if not mark.exists():
        mark.touch()
        os._exit(9)


class DeadlyEnd:
    """A ledger whose process dies when an item has its result, before anybody hears of it."""

    def __init__(self, ledger: Any, item: str, mark: Path) -> None:  # noqa: ANN401 - patched
        self._finish, self._item, self._mark = ledger.finish, item, mark
        ledger.finish = self.finish

    async def finish(self, item: str, data: bytes, label: str = "") -> None:
        await self._finish(item, data, label)
        if item == self._item:
            die_once(self._mark)


def talk(payload: bytes, journal: Journal) -> TalkJob:
    job = TalkJob(payload, journal)
    if end := job.options.get("deadly_end"):
        DeadlyEnd(journal, end, Path(job.options["died"]))
    return job
