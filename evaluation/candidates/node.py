"""vLLM on the node of a Ray cluster that has the GPU, held there by an actor."""

from __future__ import annotations

import socket
from typing import Any

import ray

from domain.errors import EvaluationError
from engine import cluster
from evaluation.candidates.vllm import LOOPBACK, Order, VllmServer, find_vllm

FIND_S = 120.0
"""For a node to say whether it has vLLM: a worker's start takes tens of seconds."""
_RAY: Any = ray  # parts of it have no types
PLACE_S = 120.0
"""For Ray to find a free GPU, on top of the time that the server may load."""


class Keeper:
    """Lives on the node with the GPU, and holds one server there."""

    def __init__(self, order: Order | None = None) -> None:
        here = ray.get_runtime_context().get_node_id()
        near = order is None or order.driver == here
        # the driver's own machine is reached by loopback; another's only by its address
        self._host = LOOPBACK if near else _RAY.util.get_node_ip_address()
        self._server = VllmServer(order, self._host) if order is not None else None

    def binary(self, hint: str) -> str:
        """Return the path of vLLM on this node; empty without one."""
        return find_vllm(hint)

    def start(self) -> None:
        """Start the server; see `VllmServer.start`."""
        if self._server is not None:
            self._server.start()

    def base_url(self) -> str:
        """Wait until the server can be asked; see `VllmServer.base_url`."""
        return self._server.base_url() if self._server is not None else ""

    def stop(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.stop()


class NodeServer:
    """A server on another machine, as `servers.Server`."""

    def __init__(self, keeper: cluster.Actor, startup_s: float) -> None:
        self._keeper = keeper
        self._startup_s = startup_s
        self._starting = keeper.call("start")

    def base_url(self) -> str:
        """Wait until it can be asked; return where.

        Raises:
            EvaluationError: It died, was not healthy in time, or no GPU came free for it.
            ConfigError: There is no vLLM on its node.
        """
        try:
            self._starting.result(PLACE_S)
            url: str = self._keeper.call("base_url").result(self._startup_s + PLACE_S)
        except TimeoutError as error:
            raise _lost(f"no word within {self._startup_s + PLACE_S:.0f} s") from error
        except cluster.WorkerDiedError as error:
            raise _lost(str(error).splitlines()[0]) from error
        return url

    def stop(self) -> None:
        """End the server, then the actor that held it; its guard ends it if the actor is gone."""
        try:
            self._keeper.call("stop").result(PLACE_S)
        except (TimeoutError, cluster.WorkerDiedError):
            pass
        finally:
            self._keeper.kill()


def has_vllm(gpus: float = 1) -> bool:
    """Whether Ray has a GPU, free for us, on a node with vLLM; false where Ray is not started."""
    if not cluster.is_started() or _RAY.cluster_resources().get("GPU", 0) < gpus:
        return False
    keeper = cluster.actor(Keeper, gpus=gpus)
    try:
        return bool(keeper.call("binary", find_vllm()).result(FIND_S))
    except (TimeoutError, cluster.WorkerDiedError):
        return False
    finally:
        keeper.kill()


def start(order: Order, gpus: float = 1) -> NodeServer:
    """Have a node with a GPU start a server; returns at once."""
    order = order.model_copy(update={"driver": ray.get_runtime_context().get_node_id()})
    return NodeServer(cluster.actor(Keeper, order, concurrency=4, gpus=gpus), order.startup_s)


def _lost(got: str) -> EvaluationError:
    return EvaluationError(
        "the server of the models under test was lost with its node",
        where=f"Ray, as seen from {socket.gethostname()}",
        expected="a node with a free GPU that holds the server until the end",
        got=got,
        mend="Look at `ray status`, or set evaluation.server: builtin.",
    )
