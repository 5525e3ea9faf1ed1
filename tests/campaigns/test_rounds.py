from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from campaigns.rounds import sent_back
from campaigns.run import run_campaign
from campaigns.status import campaign_status
from corpus.files import read_nouns, write_nouns
from corpus.rounds import read_rounds
from corpus.signoff import sign_off
from domain.errors import ConfigError, ResumeRefusedError
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.session import Session
from tests.corpus.builders import record

if TYPE_CHECKING:
    from pathlib import Path

    from domain.settings import Settings
    from tests.campaigns.conftest import Stage


def asked(stage: Stage, name: str, after: RunFolder | None, **more: Any) -> Settings:  # noqa: ANN401
    settings = stage.settings(
        sessions=8,
        discriminator={"after": str(after.root) if after else None, "send_back": 0.4, **more},
    )
    return settings.model_copy(update={"name": name, "seed": 7 if after is None else 8})


@pytest.fixture
def first(stage: Stage, tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "first")
    write_nouns(folder.quarantine, [record(n) for n in range(8)])
    sign_off(folder, "A Reader")
    run_campaign(asked(stage, "first", None), folder, silent)
    return folder


def test_the_next_round_sends_back_what_is_told_from_real(
    stage: Stage, first: RunFolder, tmp_path: Path
) -> None:
    assert [one.number for one in read_rounds(first).rounds] == [1]
    second = RunFolder(tmp_path / "second")
    run_campaign(asked(stage, "second", first), second, silent)
    sessions = list(read_nouns(second.sessions, Session))
    read = [
        draft.critique.telltale
        for session in sessions
        for draft in session.drafts
        if draft.critique is not None
    ]
    assert all(read)
    over = [one for one in read if one is not None and one.over]
    assert sent_back(second) == len(over) > 0
    assert over[0].words
    revised = [one for session in sessions for one in session.drafts if one.number > 0]
    assert any("sound like a script" in text for one in revised for text in one.guidance)
    assert campaign_status(second).rejected_by.keys() == {"telltale"}
    assert [one.number for one in read_rounds(second).rounds] == [1, 2]


def test_the_discriminator_is_part_of_what_a_campaign_was_begun_with(
    stage: Stage, first: RunFolder, tmp_path: Path
) -> None:
    folders = [RunFolder(tmp_path / name) for name in ("one", "two")]
    for folder in folders:
        run_campaign(asked(stage, "second", first), folder, silent)
    assert folders[0].sessions.read_bytes() == folders[1].sessions.read_bytes()
    first.discriminator.write_bytes(b"another one since")  # the copy counts
    run_campaign(asked(stage, "second", first), folders[0], silent, resume=True)
    folders[0].earlier_discriminator.write_bytes(b"meddled with")
    with pytest.raises(ResumeRefusedError, match="cannot go on"):
        run_campaign(asked(stage, "second", first), folders[0], silent, resume=True)


def test_a_round_before_without_a_discriminator_is_refused(stage: Stage, tmp_path: Path) -> None:
    none = RunFolder(tmp_path / "none")
    with pytest.raises(ConfigError, match="has no discriminator"):
        run_campaign(asked(stage, "second", none), RunFolder(tmp_path / "second"), silent)
    assert not (tmp_path / "second" / "campaign.json").exists()
