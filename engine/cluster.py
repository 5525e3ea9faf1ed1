"""A typed face for Ray: start, stop, tasks and actors. Nothing else in the engine imports it.

On one machine we start a Ray of our own: no dashboard, no usage reports, workers' output in Ray's
log files instead of on the terminal. Ray asks everybody who connects to it for the token that it
keeps in ~/.ray/auth_token, unless RAY_AUTH_MODE says otherwise.
"""

from __future__ import annotations

import logging
import os
import shlex
import signal
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray._private import worker as ray_worker
from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from domain.errors import ConfigError, RehearsalError
from domain.progress import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from domain.progress import Progress
    from domain.settings import EngineSettings

T = TypeVar("T")

_OBJECT_STORE = 200 * 1024 * 1024
"""Bytes of shared memory on one machine: batches of results pass through it, nothing larger."""
_STARTUP_WARNING = "worker processes have been started on node"
_LONGEST_TEMP = 40
"""Ray puts sockets under its folder, and a socket's path may have 107 bytes in all."""


class WorkerDiedError(Exception):
    """An actor's process is gone; what it had not returned must be given to another."""


class Handle(Generic[T]):
    """What a task or an actor's method will return."""

    def __init__(self, ref: Any) -> None:  # noqa: ANN401 - Ray's references are untyped
        self.ref = ref

    def result(self, timeout_s: float | None = None) -> T:
        """Wait for it and return it; an exception raised there is raised here, as it was.

        Raises:
            WorkerDiedError: The process that was to return it is gone.
            TimeoutError: It took longer than `timeout_s`.
        """
        try:
            value: T = ray.get(self.ref, timeout=timeout_s)
        except GetTimeoutError as error:
            raise TimeoutError(f"no result within {timeout_s} s") from error
        except RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, RehearsalError) else error) from None
        except RayActorError as error:
            raise WorkerDiedError(str(error)) from error
        return value

    @property
    def ready(self) -> bool:
        """Whether it has returned, or failed."""
        return bool(wait([self], 0))


class Actor:
    """A long-lived worker process that holds one object."""

    def __init__(self, handle: Any) -> None:  # noqa: ANN401 - Ray's handles are untyped
        self._handle = handle

    def call(self, method: str, *args: object) -> Handle[Any]:
        """Call a method; returns at once."""
        return Handle(getattr(self._handle, method).remote(*args))

    async def ask(self, method: str, *args: object) -> Any:  # noqa: ANN401 - as the method says
        """Call a method from an event loop and wait for what it returns.

        Raises:
            WorkerDiedError: Its process is gone.
        """
        try:
            return await getattr(self._handle, method).remote(*args)
        except RayTaskError as error:
            cause = error.cause
            raise (cause if isinstance(cause, RehearsalError) else error) from None
        except RayActorError as error:
            raise WorkerDiedError(str(error)) from error

    def kill(self) -> None:
        """End the process now."""
        ray.kill(self._handle)


def start(engine: EngineSettings, progress: Progress = silent) -> None:
    """Start a Ray of our own, or join the cluster at `engine.ray_address`; idempotent.

    On one machine Ray's CPUs are tickets, not cores: there are a few more than cores, so that
    short-lived trainers find a place beside the long-lived workers.

    Args:
        engine: Where to run.
        progress: Told before and after: it takes many seconds.

    Raises:
        ConfigError: No cluster answers at the address.
        RehearsalError: Ray could not be started here.
    """
    if ray.is_initialized():
        return
    _CREWS.clear()
    _hear_raylet()
    joined = engine.ray_address
    stage = "starting Ray" if joined is None else "joining Ray"
    progress(stage, 0, 1, "takes 10 to 30 s" if joined is None else f"at {joined}")
    _init(engine)
    progress(stage, 1, 1)


def _init(engine: EngineSettings) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        with _signals_kept():
            _connect(engine, quiet)
    except (ConnectionError, RayError, OSError, RuntimeError, ValueError) as error:
        raise _not_started(engine.ray_address, error) from error


def _connect(engine: EngineSettings, quiet: dict[str, Any]) -> None:
    if engine.ray_address is not None:
        ray.init(address=engine.ray_address, **quiet)
        return
    ray.init(
        address="local",
        num_cpus=max(os.cpu_count() or 1, 4, engine.workers + 2),
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE,
        runtime_env=_quoted_python(),
        _temp_dir=_temp_folder(),
        **quiet,
    )


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep Ray's own way with SIGTERM, which ends the process with 15, from outlasting its start.

    Raises:
        KeyboardInterrupt: SIGTERM came while Ray was being started.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    except SystemExit as stop:
        if stop.code == signal.SIGTERM:
            raise KeyboardInterrupt from None
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def stop() -> None:
    """Stop the Ray that was started, or leave the cluster that was joined; idempotent."""
    _CREWS.clear()
    if ray.is_initialized():
        ray.shutdown()


@contextmanager
def running(engine: EngineSettings, progress: Progress = silent) -> Iterator[None]:
    """Have the Ray that `engine` asks for, if any; one that runs already is left running.

    Raises:
        ConfigError, RehearsalError: See `start`.
    """
    before = is_started()
    if engine.kind == "ray":
        start(engine, progress)
    try:
        yield
    finally:
        if not before:
            stop()


def is_started() -> bool:
    """Whether this process has a Ray."""
    return bool(ray.is_initialized())


def submit(function: Callable[..., T], *args: object, cpus: float = 1) -> Handle[T]:
    """Run a function on a worker; one of a module travels by its name."""
    remote: Any = ray.remote
    name = getattr(function, "__qualname__", "task")
    return Handle(remote(num_cpus=cpus)(_call).options(name=name).remote(function, *args))


def _call(function: Callable[..., T], *args: object) -> T:
    """What a task runs; Ray itself takes no built-in functions."""
    return function(*args)


def actor(
    kind: type,
    *args: object,
    concurrency: int = 8,
    cpus: float = 0,
    gpus: float = 0,
    here: bool = False,
) -> Actor:
    """Start an actor that holds `kind(*args)`; its async methods run side by side.

    With `cpus=0` it takes no ticket: for workers that live on while other work comes and goes.
    With `gpus` it has them for itself, and waits until they are free.
    With `here` it lives on the driver's machine.
    """
    remote: Any = ray.remote  # its published types know fewer options than it takes
    options: dict[str, Any] = {"max_concurrency": concurrency, "max_restarts": 0}
    if here:
        node = ray.get_runtime_context().get_node_id()
        options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(node, soft=False)
    made = remote(num_cpus=cpus, num_gpus=gpus, **options)(kind)
    return Actor(made.remote(*args))


def wait(handles: Sequence[Handle[Any]], timeout_s: float) -> list[Handle[Any]]:
    """Return those of `handles` that are ready within `timeout_s`; at least one unless none is."""
    by_ref = {handle.ref: handle for handle in handles}
    ready, _ = ray.wait(list(by_ref), num_returns=1, timeout=timeout_s)
    if ready:
        ready, _ = ray.wait(list(by_ref), num_returns=len(by_ref), timeout=0)
    return [by_ref[ref] for ref in ready]


_CREWS: dict[str, list[Actor]] = {}


def crew(name: str) -> list[Actor]:
    """Return the list of idle actors kept under `name` until Ray stops; the caller changes it."""
    return _CREWS.setdefault(name, [])


def _temp_folder() -> str | None:
    """A folder of this user's own: Ray's default, /tmp/ray, belongs to whoever was first."""
    folder = str(Path(tempfile.gettempdir()) / f"ray-{os.getuid()}")
    return folder if len(folder) <= _LONGEST_TEMP else None


def _quoted_python() -> dict[str, str] | None:
    """Quote the interpreter for the shell, where its path needs it.

    Ray hands the path to bash as it is when a worker has an environment of its own, as those of
    Ray Train have: in a folder with a space no such worker starts, and nothing says so.
    """
    quoted = shlex.quote(sys.executable)
    return None if quoted == sys.executable else {"py_executable": quoted}


def _hear_raylet() -> None:
    """Send what Ray's node says to the log; Ray itself prints it on stdout, into the results.

    Its remark about the number of workers on few cores is dropped: they are meant to be many.
    """

    def to_log(data: dict[str, Any], *_: object, **__: object) -> None:
        for line in data.get("lines", ()):
            if _STARTUP_WARNING not in line:
                logging.getLogger(__name__).warning("ray: %s", line)

    if hasattr(ray_worker, "print_to_stdstream"):
        ray_worker.print_to_stdstream = to_log


def _not_started(address: str | None, error: Exception) -> RehearsalError:
    text = str(error).strip().splitlines()
    got = text[0] if text else type(error).__name__
    if address is None:
        return RehearsalError(
            "Ray could not be started on this machine",
            where="engine.kind: ray",
            got=got,
            mend="Set `engine.kind: inline` to run without Ray, or see that /tmp has space.",
        )
    return ConfigError(
        "no Ray cluster could be joined",
        where="engine.ray_address",
        expected="the address of a running cluster",
        got=f"{address}: {got}",
        mend="Start the cluster, correct the address, or leave it out to run on this machine.",
    )
