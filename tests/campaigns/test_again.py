"""Sessions that were given up because nobody answered are played again by a resume."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from campaigns.again import to_play_again
from campaigns.run import run_campaign
from campaigns.status import campaign_status
from campaigns.trace import load_trace
from domain.call import CALL_HEADER, Outcome
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.session import Session, Status
from domain.settings import Settings
from engine.ledger.store import Store
from rehearsal.watch import status_table
from tests.campaigns.conftest import Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path


class Patchy(Stage):
    """Fails the third call of every other session, as `how` says, until it is None."""

    def __init__(self) -> None:
        super().__init__()
        self.how: Outcome | None = None
        self.busy = False
        """Whether the server is too busy to list its models, once it has been asked for a call."""
        self._met: dict[str, int] = {}
        """Sessions in the order in which they first came by: every other one fails."""

    def app(self) -> web.Application:
        app = super().app()
        app.middlewares.append(self._fail)
        return app

    @web.middleware
    async def _fail(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if self.busy and request.method == "GET" and self._met:
            return web.json_response({"error": {"message": "busy"}}, status=503)
        session, _, step = request.headers.get(CALL_HEADER, "").partition("/")
        fails = bool(session) and self._met.setdefault(session, len(self._met)) % 2 == 0
        if self.how is None or not step.startswith("0/2/") or not fails:
            return await handler(request)
        if self.how is Outcome.TIMEOUT:
            await asyncio.sleep(30)
        if self.how is Outcome.CONNECTION:
            assert request.transport is not None
            request.transport.abort()
        statuses = {Outcome.RATE_LIMITED: 429, Outcome.REFUSAL: 400, Outcome.REJECTED: 422}
        status = statuses.get(self.how, 503)
        error = {"message": "no", "code": "content_filter" if status == 400 else None}
        return web.json_response({"error": error}, status=status)

    def patient(self) -> Settings:
        data = self.settings().model_dump()
        for role in filter(None, data["roles"].values()):
            role["timeout_s"] = 0.5
        return Settings.model_validate(data)


@pytest.fixture
def patchy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Patchy]:
    with open_stage(Patchy(), monkeypatch) as made:
        yield made


def sessions(folder: RunFolder) -> list[Session]:
    return [Session.model_validate_json(line) for line in folder.sessions.open("rb")]


@pytest.mark.parametrize(
    "how",
    [Outcome.RATE_LIMITED, Outcome.SERVER_ERROR, Outcome.TIMEOUT, Outcome.CONNECTION],
)
def test_who_got_no_answer_is_played_again(patchy: Patchy, tmp_path: Path, how: Outcome) -> None:
    folder, whole = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "whole")
    patchy.how = how
    quarantined = run_campaign(patchy.patient(), folder, silent).quarantined
    first = sessions(folder)
    failed = {one.id for one in first if one.failure and one.failure.outcome == how.value}
    assert 0 < quarantined == len(failed) < len(first)
    assert to_play_again(Store(folder.ledger)) == failed
    said = " ".join(str(cell) for cell in status_table(campaign_status(folder)).columns[1].cells)
    assert f"plays the {quarantined} again that nobody answered" in said
    patchy.how = None
    asked = patchy.asked
    summary = run_campaign(patchy.patient(), folder, silent, resume=True)
    assert summary.quarantined == 0
    assert {key.partition("/")[0] for key in patchy.asked.keys() - asked.keys()} == failed
    assert set(patchy.asked.values()) == {1}, "what was answered is not asked again"
    run_campaign(patchy.patient(), whole, silent)
    assert folder.sessions.read_bytes() == whole.sessions.read_bytes()
    trace = load_trace(folder, sorted(failed)[0])
    assert trace.session is not None
    assert trace.session.status is not Status.QUARANTINED


def test_who_still_gets_no_answer_stays_quarantined(patchy: Patchy, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    patchy.how = Outcome.SERVER_ERROR
    before = run_campaign(patchy.patient(), folder, silent)
    exported = folder.sessions.read_bytes()
    assert run_campaign(patchy.patient(), folder, silent, resume=True).calls > before.calls
    assert folder.sessions.read_bytes() == exported


def test_a_refusal_is_an_answer(patchy: Patchy, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    patchy.how = Outcome.REFUSAL
    assert run_campaign(patchy.patient(), folder, silent).quarantined
    patchy.how = None
    asked = sum(patchy.asked.values())
    assert run_campaign(patchy.patient(), folder, silent, resume=True).quarantined
    assert sum(patchy.asked.values()) == asked


@pytest.mark.parametrize("how", [Outcome.REJECTED, Outcome.CONNECTION])
def test_what_one_session_met_stops_no_other(patchy: Patchy, tmp_path: Path, how: Outcome) -> None:
    """A server that is too busy to list its models has not gone."""
    folder = RunFolder(tmp_path / "run")
    patchy.how, patchy.busy = how, True
    summary = run_campaign(patchy.patient(), folder, silent)
    failed = [one.failure.outcome for one in sessions(folder) if one.failure]
    assert set(failed) == {how.value}
    assert summary.quarantined == len(failed) < summary.finished == summary.planned
