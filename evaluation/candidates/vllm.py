"""vLLM as the server of the models under test: its command line, its health, its end.

The default where there is a GPU. It runs from its own executable, in an environment of its own if
need be: nothing of it is imported here.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from domain.base import Noun
from domain.errors import ConfigError, EvaluationError
from evaluation.candidates.adapters import CONFIG
from evaluation.candidates.process import Process, start

if TYPE_CHECKING:
    from evaluation.candidates.models import Group

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What `--max-lora-rank` takes; source: vLLM's `LoRAConfig`."""
SHARE = 0.9
"""Of a GPU's memory, for all servers on it together: vLLM's own default."""
LOOPBACK = "127.0.0.1"
_BETWEEN_S = 0.25
_ASK_S = 5.0
_QUIET = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


class Order(Noun):
    """A server that is wanted; travels to the machine where it is to run."""

    name: str
    base: str
    adapters: dict[str, str]
    """PEFT folders by model name; the server's machine must see them."""
    rank: int
    """The largest rank among the adapters."""
    share: float | None = None
    """Share of the GPU's memory, where several servers are to fit on it."""
    extra: tuple[str, ...] = ()
    """The run file's own words for the command line; they come last, so they win."""
    log: str
    key: str = ""
    """Token that callers must send; passed in the environment, never on the command line."""
    allow_hub: bool = False
    startup_s: float
    binary: str = ""
    """Where the one who asks found vLLM; used where it is not found otherwise."""
    driver: str = ""
    """Ray's name of the node that asks; a server on another one cannot listen on loopback."""


def order_of(group: Group, log: Path, *, key: str, startup_s: float) -> Order:
    """Return the order for a group of models."""
    return Order(
        name=group.name,
        base=group.base,
        adapters={name: str(path.resolve()) for name, path in group.adapters.items()},
        rank=max((_rank(path) for path in group.adapters.values()), default=0),
        log=str(log),
        binary=find_vllm(),
        key=key,
        allow_hub=not Path(group.base).is_dir(),
        startup_s=startup_s,
    )


def command_of(order: Order, binary: str, host: str, port: str) -> list[str]:
    """Return the words of the command line.

    `--generation-config vllm` keeps the base's own sampling defaults out: every variant is asked
    with the run file's temperature, and with nothing that a base's author put beside it.
    """
    words = [
        binary, "serve", order.base, "--served-model-name", order.name, "--host", host,
        "--port", port, "--generation-config", "vllm",
    ]  # fmt: skip
    if order.adapters:
        rank = next((rank for rank in RANKS if rank >= order.rank), RANKS[-1])
        words += ["--enable-lora", "--max-loras", str(len(order.adapters))]
        words += ["--max-lora-rank", str(rank), "--lora-modules"]
        words += [f"{name}={path}" for name, path in order.adapters.items()]
    if order.share is not None:
        words += ["--gpu-memory-utilization", f"{order.share:.3f}"]
    return [*words, *order.extra]


def find_vllm(hint: str = "") -> str:
    """Return the executable: on the search path, beside this interpreter or at `hint`; or ""."""
    beside = (Path(sys.executable).with_name("vllm"), Path(hint) if hint else None)
    found = (str(path) for path in beside if path is not None and path.is_file())
    return shutil.which("vllm") or next(found, "")


def refusal(group: Group) -> str:
    """Say why vLLM cannot serve a group's adapters; empty when nothing is known against it."""
    for name, path in group.adapters.items():
        config = _config(path)
        if config.get("use_dora"):
            return f"{name} is a DoRA adapter, which vLLM does not serve"
        if config.get("modules_to_save"):
            return f"{name} holds whole layers (modules_to_save), which vLLM does not serve"
        if config.get("bias", "none") != "none":
            return f"{name} trains biases, which vLLM does not serve"
        if _rank(path) > RANKS[-1]:
            return f"{name} has rank {_rank(path)}, above vLLM's {RANKS[-1]}"
    return ""


class VllmServer:
    """One vLLM on this machine; on another one it is held by an actor of Ray."""

    def __init__(self, order: Order, host: str = LOOPBACK) -> None:
        self._order = order
        self._host = host
        self._port = _free_port(host)
        self._process: Process | None = None

    def start(self) -> None:
        """Start it; returns at once.

        Raises:
            ConfigError: There is no vLLM here.
            EvaluationError: An adapter's folder cannot be seen from here.
        """
        binary = find_vllm(self._order.binary)
        if not binary:
            raise no_vllm()
        for name, path in self._order.adapters.items():
            if not Path(path).is_dir():
                raise EvaluationError(
                    "the machine with the GPU does not see an adapter",
                    where=f"{name}: {path}",
                    expected="the run's folder on a disk that all machines share",
                    got=f"no such folder on {socket.gethostname()}",
                    mend="Put the run there with --run, or evaluate on that machine.",
                )
        command = command_of(self._order, binary, self._host, str(self._port))
        guard = [sys.executable, "-P", "-m", "evaluation.candidates.guard"]
        self._process = start([*guard, *command], _log(self._order.log), self._environment())

    def base_url(self) -> str:
        """Wait until it is healthy and lists its models; return where it listens.

        Raises:
            EvaluationError: It ended, was not healthy in time, or does not know its models.
        """
        process = self._started()
        deadline = time.monotonic() + self._order.startup_s
        while not self._healthy():
            if process.ended:
                raise self._failure(f"it ended with code {process.running.returncode}")
            if time.monotonic() > deadline:
                raise self._failure(f"it was not healthy within {self._order.startup_s:.0f} s")
            time.sleep(_BETWEEN_S)
        self._check_models()
        return f"http://{self._host}:{self._port}/v1"

    def stop(self) -> None:
        """End it, with all that it has started."""
        if self._process is not None:
            self._process.stop()

    def _started(self) -> Process:
        if self._process is None:
            raise RuntimeError("start() comes first")
        return self._process

    def _environment(self) -> dict[str, str]:
        offline = {} if self._order.allow_hub else {"HF_HUB_OFFLINE": "1"}
        return {**_QUIET, **offline, "VLLM_API_KEY": self._order.key}

    def _healthy(self) -> bool:
        return self._get("/health")[0] == 200

    def _check_models(self) -> None:
        status, body = self._get("/v1/models")
        try:
            known = {str(one["id"]) for one in json.loads(body)["data"]}
        except (ValueError, KeyError, TypeError):
            known = set()
        missing = {self._order.name, *self._order.adapters} - known
        if status != 200 or missing:
            raise self._failure(
                f"it answers HTTP {status} for its models and lacks {', '.join(sorted(missing))}"
            )

    def _get(self, path: str) -> tuple[int, bytes]:
        """Ask the server; status 0 while nobody answers."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_ASK_S)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self._order.key}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def _failure(self, what: str) -> EvaluationError:
        process = self._started()
        return EvaluationError(
            f"vLLM does not serve the models under test: {what}",
            where=str(process.log),
            expected="HTTP 200 at /health, and all models at /v1/models",
            got=process.last_words() or "it said nothing",
            mend="Read the log; its options can be set with evaluation.server_args, and "
            "evaluation.server: builtin does without it.",
        )


def no_vllm() -> ConfigError:
    """Return the failure of a run file that asks for vLLM where there is none."""
    return ConfigError(
        "there is no vLLM here",
        where="evaluation.server",
        expected="an executable vllm on the search path or beside Python",
        got=f"none on {socket.gethostname()}",
        mend="Install vLLM in an environment of its own and put it on PATH, or set "
        "evaluation.server: auto.",
    )


def _config(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    return found


def _rank(path: Path) -> int:
    config = _config(path)
    pattern = config.get("rank_pattern") or {}
    own = pattern.values() if isinstance(pattern, dict) else ()
    return max(int(str(rank)) for rank in (config.get("r", 0), *own))


def _free_port(host: str) -> int:
    """Return a port that nobody has at the moment; vLLM cannot say which one it took."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _log(path: str) -> Path:
    """Return the run's log where this machine has its folder, else one of its own."""
    wanted = Path(path)
    if wanted.parent.is_dir():
        return wanted
    return Path(tempfile.mkdtemp(prefix="rehearsal-vllm-")) / wanted.name
