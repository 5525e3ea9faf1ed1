"""Where a run's real transcripts lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import ConfigError
from rehearsal.options import present

if TYPE_CHECKING:
    from domain.settings import Settings


SAMPLES = Path(__file__).resolve().parent.parent / "examples" / "transcripts"
"""The project's own sample sessions; every person in them is invented."""


def transcripts_of(settings: Settings) -> Path:
    """Return the path of the run's transcripts.

    A relative path is looked for in the present folder, then beside the program, where the
    sample transcripts lie.

    Raises:
        ConfigError: None is named, or what is named is not there.
    """
    named = settings.corpus.transcripts
    if named is None:
        raise ConfigError(
            "no real transcripts are named",
            where="corpus.transcripts",
            expected="a file or folder of transcripts",
            mend="set corpus.transcripts in the run file, or pass --transcripts PATH",
        )
    path = Path(named).expanduser()
    beside = Path(__file__).resolve().parent.parent / path
    found = beside if not path.exists() and beside.exists() else path
    return present(
        found, "--transcripts or corpus.transcripts", expected="a file or folder of transcripts"
    )
