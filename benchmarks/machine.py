"""Which machine and which versions a figure was measured with."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "aiohttp", "orjson", "langchain-core", "langchain-openai", "langgraph", "openai", "httpx",
    "pydantic", "ray", "sqlalchemy", "uvloop", "sdialog",
)  # fmt: skip


def machine(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Return processor, cores, load of the last minute, and versions of what matters."""
    said = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }
    for package in packages:
        try:
            said[package] = version(package)
        except PackageNotFoundError:
            said[package] = "not installed"
    return said


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
