"""An endpoint's limit, divided among the workers that have calls for it."""

from __future__ import annotations


def shared_out(limit: int, demand: dict[int, int], turn: int) -> dict[int, int]:
    """Divide `limit` among workers by what each has to send; what is over goes to all alike.

    Each worker with something to send has at least one place, unless there are fewer places than
    such workers: then they take turns.
    """
    asking = sorted(worker for worker, calls in demand.items() if calls)
    if len(asking) > limit:
        first = turn % len(asking)
        chosen = {asking[(first + n) % len(asking)] for n in range(limit)}
        return {worker: int(worker in chosen) for worker in demand}
    total = sum(demand.values())
    if total <= limit:
        spare, rest = divmod(limit - total, max(1, len(demand)))
        return {
            worker: calls + spare + (place < rest)
            for place, (worker, calls) in enumerate(sorted(demand.items()))
        }
    left = limit - len(asking)
    exact = {worker: left * (demand[worker] - 1) / (total - len(asking)) for worker in asking}
    parts = {worker: int(exact[worker]) for worker in asking}
    by_rest = sorted(asking, key=lambda worker: parts[worker] - exact[worker])
    for worker in by_rest[: left - sum(parts.values())]:
        parts[worker] += 1
    return {worker: 1 + parts[worker] if worker in parts else 0 for worker in demand}
