"""A campaign's driver in a process of its own, for tests that kill it.

Arguments: the run's folder and the settings as JSON.
"""

from __future__ import annotations

import sys
from pathlib import Path

from campaigns.run import run_campaign
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.settings import Settings

if __name__ == "__main__":
    folder, settings = sys.argv[1:]
    run_campaign(Settings.model_validate_json(settings), RunFolder(Path(folder)), silent)
