"""`rehearsal doctor`: is everything here that a run needs?"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import ExitCode, RehearsalError
from rehearsal.check import Check
from rehearsal.options import JsonOption

if TYPE_CHECKING:
    from domain.settings import Settings

ROOMS = (
    "agents", "campaigns", "corpus", "domain", "engine", "evaluation", "graphs", "measures",
    "rehearsal", "training", "understudy",
)  # fmt: skip
NEEDED = (
    "langgraph", "langchain-openai", "transformers", "peft", "torch", "ray", "pydantic",
)  # fmt: skip
FREE_BYTES = 2_000_000_000
"""What a demo and its adapters need, with room to spare."""


def doctor(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG",
            help="Also ask this run's endpoints: one call of at most 16 tokens for each model, and "
            "one of 64 for each that has to answer with JSON.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the installation, the machine, and a run's endpoints."""
    from rehearsal.console import emit_json, tell
    from rehearsal.endpoint_checks import check_endpoints
    from rehearsal.runfile import load_settings

    checks = [*_python(), *_rooms(), *_packages(), *_machine()]
    if config is not None:
        settings = load_settings(config)
        checks += [_pack(settings), *_store(settings), *check_endpoints(settings)]
    if as_json:
        emit_json(_document(checks))
    else:
        advised = set[str]()
        for check in checks:
            mark = "✗" if not check.ok else "!" if check.warning else "✓"
            tell(f"{mark} {check.name:<26} {check.found}", " " * 29)
            if check.mend not in {"", *advised} and (check.warning or not check.ok):
                tell(f"  {check.mend}")
                advised.add(check.mend)
    if not all(check.ok for check in checks):
        raise typer.Exit(ExitCode.FAILED)


def _document(checks: list[Check]) -> dict[str, object]:
    """Return all checks, and what failed of them as every failure is told."""
    document: dict[str, object] = {"checks": [check._asdict() for check in checks]}
    failed = [
        {"what": "a check failed", "where": one.name, "got": one.found}
        | ({"mend": one.mend} if one.mend else {})
        for one in checks
        if not one.ok
    ]
    if failed:
        code = int(ExitCode.FAILED)
        error: dict[str, object] = {"kind": "CheckFailed", **failed[0], "exit_code": code}
        document["error"] = error | ({"also": failed[1:]} if failed[1:] else {})
    return document


def _python() -> list[Check]:
    return [Check("python", sys.version_info >= (3, 11), platform.python_version())]


def _rooms() -> list[Check]:
    """The packages have common names: `import agents` must be ours."""
    home = Path(__file__).resolve().parent.parent
    checks = []
    for room in ROOMS:
        try:
            found = importlib.import_module(room).__file__
        except ImportError as error:
            checks.append(Check(f"package {room}", False, str(error), "make install"))
            continue
        origin = Path(str(found)).resolve().parent.parent
        checks.append(
            Check(
                f"package {room}",
                origin == home,
                "ours" if origin == home else f"comes from {origin}",
                f'another "{room}" stands first on the path; start from another folder',
            )
        )
    return checks


def _packages() -> list[Check]:
    checks = []
    for name in NEEDED:
        try:
            checks.append(Check(name, True, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            checks.append(Check(name, False, "not installed", "make install"))
    return checks


def _machine() -> list[Check]:
    from rehearsal.runs import runs_root

    spot = runs_root() if runs_root().exists() else Path()
    free = shutil.disk_usage(spot).free
    return [
        Check("cores", True, str(os.cpu_count())),
        _accelerator(),
        Check("free disk", free >= FREE_BYTES, f"{free / 1e9:.1f} GB", "free some space"),
        Check("writable here", os.access(spot, os.W_OK), str(spot), "start from another folder"),
    ]


def _pack(settings: Settings) -> Check:
    """See that the run's domain pack is there, whole and sound."""
    from agents.pack import load_pack

    try:
        load_pack(settings.pack)
    except RehearsalError as error:
        return Check("pack", False, f"{error.where}: {error.what}", error.mend)
    return Check("pack", True, settings.pack)


def _store(settings: Settings) -> list[Check]:
    """See that the database answers, where the ledger is to be kept in one."""
    from engine.ledger.shards import require_database
    from rehearsal.options import folder_of

    url = settings.engine.store
    if url is None:
        return []
    try:
        require_database(folder_of(settings, None).ledger, url)
    except RehearsalError as error:
        return [Check("engine.store", False, error.got or error.what, error.mend)]
    return [Check("engine.store", True, f"{url} answers")]


def _accelerator() -> Check:
    try:
        import torch
    except ImportError as error:
        return Check("accelerator", False, str(error), "make install")
    gpus = torch.cuda.device_count()
    return Check("accelerator", True, f"{gpus} GPU" if gpus else "none: training runs on the CPU")
