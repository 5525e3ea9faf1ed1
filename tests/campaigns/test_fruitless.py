"""An endpoint of which nothing can be used ends the run early, and never in success."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from campaigns.fruitless import TRIED, Fruitless, refuse_fruitless
from campaigns.run import run_campaign
from campaigns.status import campaign_status
from campaigns.trace import load_trace
from domain.errors import EndpointError
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.session import Failure
from tests.campaigns.conftest import Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

IN_FLIGHT = 4


class Useless(Stage):
    """Refuses what stands in every request of the supervisor's, until it is mended."""

    mended = False

    def app(self) -> web.Application:
        app = super().app()
        app.middlewares.append(self._refuse)
        return app

    @web.middleware
    async def _refuse(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if self.mended or b"response_format" not in await request.read():
            return await handler(request)
        return web.json_response({"error": {"message": "no schemas here"}}, status=422)


@pytest.fixture
def useless(monkeypatch: pytest.MonkeyPatch) -> Iterator[Useless]:
    with open_stage(Useless(), monkeypatch) as made:
        yield made


def names_run_and_session(error: EndpointError, folder: RunFolder) -> None:
    """Hold that every command of a mend can be given as it stands."""
    mend = error.fields()["mend"]
    assert not {"RUN", "SESSION"} & set(re.findall(r"\w+", mend))
    session, run = re.findall(r'trace show (\S+) --run "([^"]+)"', mend)[0]
    assert load_trace(RunFolder(Path(run)), session).calls
    assert f'doctor "{folder.config}"' in mend
    assert f'campaign resume "{folder.root}"' in mend


def test_a_run_that_only_fails_is_stopped_and_what_is_left_is_played(
    useless: Useless, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    with pytest.raises(EndpointError, match="nothing that comes back") as stopped:
        run_campaign(useless.settings(30), folder, silent)
    assert stopped.value.fields()["where"] == "roles.supervisor"
    assert "no schemas here" in stopped.value.fields()["got"]
    names_run_and_session(stopped.value, folder)
    lost = campaign_status(folder).summary.quarantined
    assert TRIED <= lost < TRIED + IN_FLIGHT
    useless.mended = True
    summary = run_campaign(useless.settings(30), folder, silent, resume=True)
    assert summary.quarantined == lost
    assert summary.finished == 30
    refuse_fruitless(summary, folder)


def test_a_short_campaign_without_a_session_is_no_success(useless: Useless, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    summary = run_campaign(useless.settings(3), folder, silent)
    assert summary.quarantined == 3
    with pytest.raises(EndpointError, match="no session could be played") as refused:
        refuse_fruitless(summary, folder)
    assert "3 of them at the supervisor: rejected (HTTP 422" in refused.value.fields()["got"]
    names_run_and_session(refused.value, folder)


def test_one_usable_answer_is_enough_to_go_on() -> None:
    failure = Failure(call="s/0/0/0", role="client", outcome="empty", detail="")
    fruitless = Fruitless("runs/one")
    for _ in range(TRIED - 1):
        assert fruitless.after(failure, answered=False) is None
    assert fruitless.after(failure, answered=True) is None
    assert fruitless.after(failure, answered=False) is not None
