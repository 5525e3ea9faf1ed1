"""What is run: the shape of a session, and a campaign of such sessions.

One session has 23 calls: 8 exchanges are 16 utterances; the first critique sends the session back
by its last exchange, 2 utterances more; so does the second; the third accepts. That is 20
utterances and 3 critiques, with 2 revisions.

The plain loop's process imports this too: what is heavy is imported where it is used.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from domain.settings import Settings


@dataclass(frozen=True)
class Shape:
    """How long a session is."""

    exchanges: int
    revisions: int

    @property
    def calls(self) -> int:
        """Calls of one session at the stub: every revision plays one exchange again."""
        return 2 * (self.exchanges + self.revisions) + self.revisions + 1


SESSION_23 = Shape(exchanges=8, revisions=2)
SHORTEST = Shape(exchanges=3, revisions=0)


@dataclass(frozen=True)
class Course:
    """Where and how a campaign is run; crosses to the process that runs it."""

    base_url: str
    shape: Shape = SESSION_23
    kind: str = "inline"
    workers: int = 1
    in_flight: int = 64
    sessions_at_once: int | None = None
    """Sessions played at a time; None plays as many as calls may be in flight."""
    small: int = 8
    large: int = 72

    def settings(self, sessions: int, seed: int) -> Settings:
        """Return the run file of a campaign of `sessions`; another seed casts other people."""
        from domain.settings import Settings

        talker = {"model": "stub", "temperature": 0.7}
        return Settings.model_validate(
            {
                "name": "bench",
                "seed": seed,
                "endpoint": {"base_url": self.base_url, "concurrency": self.in_flight},
                "roles": {
                    "client": talker,
                    "therapist": talker,
                    "supervisor": {"model": "stub", "temperature": 0.0, "max_tokens": 4000},
                },
                "engine": {
                    "kind": self.kind,
                    "workers": self.workers,
                    "sessions_in_flight": self.sessions_at_once or self.in_flight,
                },
                "campaign": {
                    "sessions": sessions,
                    "exchanges": self.shape.exchanges,
                    "revisions": self.shape.revisions,
                },
            }
        )

    def to_json(self) -> bytes:
        """Return the course for another process."""
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, data: bytes) -> Course:
        """Read what `to_json` wrote."""
        fields = orjson.loads(data)
        return cls(**{**fields, "shape": Shape(**fields["shape"])})
