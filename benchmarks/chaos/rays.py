"""`engine: ray`: kills of the driver, of single workers, and of a whole node.

The campaign is played by the real command line in a process of its own.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.chaos import forked
from benchmarks.chaos.inline import in_peace
from benchmarks.chaos.report import Report, Witness, read_account
from benchmarks.chaos.stage import ROOT, Size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.chaos.stage import Stage, Trial

CREW = Size(sessions=24, exchanges=4, in_flight=4, workers=2)
_PATIENCE_S = 300.0
_KILLS_PER_LIFE = 5
"""Of workers under one driver: it gives up after six replacements of two workers."""
_CALLS_BETWEEN = 40

Victims = list[psutil.Process]


def driver(stage: Stage, seed: int, kills: int) -> Report:
    """Kill the driver, which takes its Ray with it, and resume.

    Every other time the run is resumed at once, by a process that needs no time to start, while
    the dead driver's workers still live.
    """
    report, random = Report("driver"), Random(seed)
    reference, calls, _ = in_peace(stage, "peace", CREW)
    while report.kills < kills:
        trial = stage.trial("driver", CREW, kind="ray")
        witness = Witness(trial, report, reference)
        at_once = False
        while report.kills < kills:
            if _until_shot(trial, random.randint(1, calls // 3), at_once=at_once) == 0:
                break
            at_once = not at_once
            if not at_once:
                trial.settle()
            witness.after_kill(alive=at_once)
        _finish(trial, witness, at_once=at_once)
        witness.at_end()
    return report


def worker(stage: Stage, seed: int, kills: int) -> Report:
    """Kill workers under a driver that lives on, and replaces them."""
    report, random = Report("worker"), Random(seed)
    reference, _, _ = in_peace(stage, "peace", CREW)
    while report.kills < kills:
        trial = stage.trial("worker", CREW, kind="ray")
        witness = Witness(trial, report, reference)

        def choose(main: psutil.Process) -> Victims:
            busy = [one for one in _family(main) if _writes(one, stage.database_port)]
            return [random.choice(busy)] if busy else []

        _kill_under(trial, witness, choose, min(_KILLS_PER_LIFE, kills - report.kills))
        witness.at_end(one_life=True)
    return report


def steward(stage: Stage, seed: int, kills: int) -> Report:
    """Kill the process through which workers share limits and budget.

    A run without a budget goes on by its last orders; it is resumed all the same.
    """
    report = Report("steward")
    reference, _, _ = in_peace(stage, "peace", CREW)

    def choose(main: psutil.Process) -> Victims:
        return [one for one in _family(main) if _is_steward(one)]

    while report.kills < kills:
        trial = stage.trial("steward", CREW, kind="ray")
        witness = Witness(trial, report, reference)
        _kill_under(trial, witness, choose, 1)
        _finish(trial, witness, at_once=False)
        witness.at_end()
    return report


def node(stage: Stage, seed: int, kills: int) -> Report:
    """Kill every process of the cluster's second node, and give the cluster another."""
    report = Report("node")
    reference, _, _ = in_peace(stage, "peace", CREW)
    with _cluster() as nodes:
        while report.kills < kills:
            trial = stage.trial("node", CREW, kind="ray", ray_address=nodes.address)
            witness = Witness(trial, report, reference)

            def choose(main: psutil.Process) -> Victims:
                there = nodes.second()
                return there if any(_writes(one, stage.database_port) for one in there) else []

            _kill_under(
                trial, witness, choose, min(_KILLS_PER_LIFE, kills - report.kills), nodes.replace
            )
            witness.at_end(one_life=True)
    return report


def _until_shot(trial: Trial, call: int, *, at_once: bool) -> int:
    """Play until the endpoint has answered so many calls and shot the driver; its exit code."""
    with ExitStack() as stack:
        if at_once:
            child = forked.start(trial)
            trial.arm(pid=child, at="answered", call=call)
            return forked.wait(child, _PATIENCE_S)
        main = stack.enter_context(_command(trial))
        trial.arm(pid=main.pid, at="answered", call=call)
        return main.wait(_PATIENCE_S)


def _finish(trial: Trial, witness: Witness, *, at_once: bool) -> None:
    if at_once:
        code = forked.wait(forked.start(trial), _PATIENCE_S)
    else:
        with _command(trial) as main:
            code = main.wait(_PATIENCE_S)
    if code:
        witness.report.problems.append(f"{trial.name}: the resumed run ended with {code}")


def _kill_under(
    trial: Trial,
    witness: Witness,
    choose: Callable[[psutil.Process], Victims],
    kills: int,
    afterwards: Callable[[], None] = lambda: None,
) -> None:
    """Play one run, killing what `choose` names whenever it is at work and calls have been made."""
    with _command(trial) as main:
        mark = 0
        while main.poll() is None:
            time.sleep(0.02)
            asked = sum(line.event == "answered" for line in read_account(trial))
            if witness.kills >= kills or asked < mark + _CALLS_BETWEEN:
                continue
            victims = choose(psutil.Process(main.pid))
            if victims:
                for victim in victims:
                    _shoot(victim)
                witness.after_kill(alive=True)
                afterwards()
                mark = asked
        if main.returncode:
            witness.report.problems.append(f"{trial.name}: the run ended with {main.returncode}")


@contextmanager
def _command(trial: Trial) -> Iterator[subprocess.Popen[bytes]]:
    """Run the trial's command line; what is left of its processes at the end is ended."""
    arguments = trial.arguments()
    with trial.account.with_suffix(".out").open("ab") as out:
        main = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "rehearsal", *arguments],
            cwd=ROOT, env=trial.environment(), stdout=out, stderr=out,
        )  # fmt: skip
        try:
            yield main
        finally:
            if main.poll() is None:
                family = _family(psutil.Process(main.pid))
                main.kill()
                main.wait()
                for one in family:
                    _shoot(one)


def _family(main: psutil.Process) -> Victims:
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(main.children(recursive=True))
    return []


def _writes(process: psutil.Process, database_port: int | None) -> bool:
    """Whether a process has a shard open, or the database: it is a worker, and at work."""
    with contextlib.suppress(psutil.Error):
        if database_port is None:
            return any(file.path.endswith(".sqlite") for file in process.open_files())
        ends = [one.raddr for one in process.net_connections("tcp") if one.raddr]
        return any(end.port == database_port for end in ends)
    return False


def _is_steward(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()[:1] != [] and "StewardHost" in process.cmdline()[0]
    return False


def _shoot(process: psutil.Process) -> None:
    """SIGKILL; psutil makes sure that the number is still that process's."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)


class _Nodes:
    """A head with one place for a worker, and a second node with another."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 1, "include_dashboard": False}
        self._cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        self.address = str(self._cluster.address)
        self._second: Any = self._cluster.add_node(num_cpus=1)

    def second(self) -> Victims:
        """Every process of the second node."""
        mains = [
            psutil.Process(info.process.pid)
            for infos in self._second.all_processes.values()
            for info in infos
            if info.process.poll() is None
        ]
        return [*mains, *(child for one in mains for child in _family(one))]

    def replace(self) -> None:
        """Clear what is left of the second node away and add another."""
        self._cluster.remove_node(self._second, allow_graceful=False)
        self._second = self._cluster.add_node(num_cpus=1)

    def close(self) -> None:
        """Stop all nodes."""
        self._cluster.shutdown()


@contextmanager
def _cluster() -> Iterator[_Nodes]:
    nodes = _Nodes()
    try:
        yield nodes
    finally:
        nodes.close()
