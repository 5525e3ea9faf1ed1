"""`--submit ADDRESS`: sends a command to a Ray cluster as a job that carries code, never data."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from domain.errors import ConfigError, RehearsalError
from rehearsal.console import emit_json, stderr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ray.job_submission import JobSubmissionClient

CARRIED = (
    "agents", "campaigns", "corpus", "domain", "engine", "evaluation", "graphs", "measures",
    "packs", "rehearsal", "training", "understudy",
)  # fmt: skip
"""The folders that travel. An allow-list: transcripts, runs and the rest of a checkout stay."""

SUFFIXES = frozenset({".py", ".md", ".yaml", ".json", ".j2", ".css", ".txt", ".typed"})
"""The kinds of file that travel from them."""

RUN_FILE = "run.yaml"


def submit_job(
    address: str,
    verb: list[str],
    config: Path,
    run: Path | None,
    more: Sequence[str] = (),
    *,
    as_json: bool,
) -> None:
    """Send `rehearsal VERB CONFIG` to the cluster at `address` and follow it to its end.

    Every path is read on the cluster: the run's folder and transcripts must lie where all its
    nodes see them. API keys do not travel, because a job's settings can be read on the dashboard:
    the nodes must have them in their environment.

    Args:
        address: Address of the cluster's dashboard, e.g. `http://127.0.0.1:8265`.
        verb: The command's words before the run file.
        config: The run file that travels with the code.
        run: The run's folder, on storage that the cluster's nodes share.
        more: Further words of the command.
        as_json: Whether to print the job's id and end as JSON.

    Raises:
        ConfigError: No cluster answers at the address, or the run's folder is not named.
        RehearsalError: The job failed.
    """
    if run is None or not run.is_absolute():
        raise ConfigError(
            "a job needs a run folder that the cluster's nodes share",
            where="--run",
            expected="an absolute path on shared storage",
            got="none" if run is None else str(run),
            mend="add --run /shared/runs/NAME",
        )
    client = _client(address)
    with tempfile.TemporaryDirectory(prefix="rehearsal-job-") as scratch:
        carry(Path(scratch), config)
        options = ["--json"] if as_json else []
        words = ["python", "-m", "rehearsal", *verb, RUN_FILE, "--run", str(run), *more, *options]
        environment = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONUNBUFFERED": "1"}
        job = client.submit_job(
            entrypoint=shlex.join(words),
            runtime_env={"working_dir": scratch, "env_vars": environment},
        )
    stderr().print(f"Job {job} is with the cluster; its words follow.")
    _follow(client, job, as_json=as_json)


def carry(to: Path, config: Path) -> list[Path]:
    """Copy the code's folders and the run file into `to`; return what was copied.

    The run file is copied with `engine.ray_address: auto`: the job runs inside the cluster.
    """
    import yaml

    from rehearsal.options import with_ray
    from rehearsal.runfile import load_settings

    home = Path(__file__).resolve().parent.parent
    copied = []
    for room in CARRIED:
        for path in sorted((home / room).rglob("*")):
            if path.is_file() and path.suffix in SUFFIXES and "__pycache__" not in path.parts:
                target = to / path.relative_to(home)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
                copied.append(target)
    settings = with_ray(load_settings(config), "auto")
    target = to / RUN_FILE
    target.write_text(yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
    return [*copied, target]


def _client(address: str) -> JobSubmissionClient:
    from ray.job_submission import JobSubmissionClient

    try:
        return JobSubmissionClient(address)  # Ray reads RAY_AUTH_MODE and RAY_AUTH_TOKEN itself
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(
            "no Ray cluster answers there",
            where=f"--submit {address}",
            expected="the address of a cluster's dashboard, e.g. http://127.0.0.1:8265",
            got=str(error).splitlines()[0],
            mend='open a tunnel with "ray dashboard ray_cluster.yaml", or start a cluster',
        ) from None


def _follow(client: JobSubmissionClient, job: str, *, as_json: bool) -> None:
    import asyncio

    async def tail() -> None:
        async for text in client.tail_job_logs(job):
            stderr().print(text, end="")

    asyncio.run(tail())
    status = client.get_job_status(job)
    if status.value != "SUCCEEDED":
        info = client.get_job_info(job)
        raise RehearsalError(
            "the job did not end well",
            where=f"job {job}",
            got=f"{status.value}: {info.message or ''}".strip(),
            mend=f"its log stands above; again: ray job logs {job}",
        )
    if as_json:
        emit_json({"job": job, "status": str(status.value)})
