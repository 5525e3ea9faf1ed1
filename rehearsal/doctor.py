"""`rehearsal doctor`: is everything here that a run needs?"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from domain.errors import ExitCode, RehearsalError
from rehearsal.options import JsonOption

if TYPE_CHECKING:
    from domain.settings import RoleSettings

ROOMS = (
    "agents", "campaigns", "corpus", "domain", "engine", "evaluation", "graphs", "measures",
    "rehearsal", "training", "understudy",
)  # fmt: skip
NEEDED = (
    "langgraph", "langchain-openai", "transformers", "peft", "torch", "ray", "pydantic",
)  # fmt: skip
FREE_BYTES = 2_000_000_000
"""What a demo and its adapters need, with room to spare."""


class Check(NamedTuple):
    """One line of the report."""

    name: str
    ok: bool
    found: str
    mend: str = ""


def doctor(
    config: Annotated[
        Path | None, typer.Argument(metavar="[CONFIG]", help="Also ask this run's endpoints.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the installation, the machine, and a run's endpoints."""
    from rehearsal.console import emit_json, say

    checks = [*_python(), *_rooms(), *_packages(), *_machine()]
    if config is not None:
        checks += _endpoints(config)
    if as_json:
        emit_json([check._asdict() for check in checks])
    else:
        for check in checks:
            say(f"{'✓' if check.ok else '✗'} {check.name:<26} {check.found}")
            if not check.ok and check.mend:
                say(f"  {check.mend}")
    if not all(check.ok for check in checks):
        raise typer.Exit(ExitCode.FAILED)


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
    from rehearsal.runfile import runs_root

    spot = runs_root() if runs_root().exists() else Path()
    free = shutil.disk_usage(spot).free
    return [
        Check("cores", True, str(os.cpu_count())),
        _accelerator(),
        Check("free disk", free >= FREE_BYTES, f"{free / 1e9:.1f} GB", "free some space"),
        Check("writable here", os.access(spot, os.W_OK), str(spot), "start from another folder"),
    ]


def _accelerator() -> Check:
    try:
        import torch
    except ImportError as error:
        return Check("accelerator", False, str(error), "make install")
    gpus = torch.cuda.device_count()
    return Check("accelerator", True, f"{gpus} GPU" if gpus else "none: training runs on the CPU")


def _endpoints(config: Path) -> list[Check]:
    import asyncio

    from agents.llm import check_endpoint, close_line
    from domain.settings import EMBEDDED
    from rehearsal.runfile import load_settings

    async def ask(role: RoleSettings, where: str) -> None:
        try:
            await check_endpoint(role, where)
        finally:
            await close_line()

    checks = []
    for name, role in load_settings(config).roles:
        where = f"roles.{name}"
        if role.base_url == EMBEDDED:
            checks.append(Check(where, True, f"{role.model}, started with the run"))
            continue
        try:
            asyncio.run(ask(role, where))
            checks.append(Check(where, True, f"{role.model} at {role.base_url}"))
        except RehearsalError as error:
            checks.append(Check(where, False, f"{error.what} ({error.got})", error.mend))
    return checks
