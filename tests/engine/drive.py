"""A driver of its own process, for tests that kill or interrupt it.

Arguments: the ledger's folder, the job's payload, the engine as JSON, the number of items.
Ends with the exit code of the error that stopped it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from domain.errors import RehearsalError
from domain.progress import silent
from domain.settings import BudgetSettings, EngineSettings
from engine.pool import run_all
from tests.engine.jobs import talk


def main() -> int:
    folder, payload, engine, items = sys.argv[1:]
    try:
        run_all(
            talk,
            payload.encode(),
            [(f"session-{n}", f"session-{n}".encode()) for n in range(int(items))],
            Path(folder),
            EngineSettings.model_validate_json(engine),
            BudgetSettings(),
            "hash",
            silent,
        )
    except RehearsalError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
