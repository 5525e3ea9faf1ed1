"""Failures a person is told about: what, where, expected, got, and the mend.

One class per boundary, each with the exit code the command line ends with. All pickle, because
they cross from Ray's workers to the driver.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """How the command line ends; a contract for programs that call it."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    """Bad arguments, a bad config, or a path that is not there; nothing was spent."""
    GATE_NOT_MET = 3
    """A gate, a sign-off or a threshold stands in the way."""
    BUDGET_REACHED = 4
    """Stopped by the budget; `campaign resume` continues with a new one."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C; `campaign resume` continues."""


class RehearsalError(Exception):
    """A failure with its mend.

    Args:
        what: What went wrong, in one plain clause.
        where: The file, key, line, address or turn it went wrong at.
        expected: What would have been right.
        got: What was there instead.
        mend: What the reader can do about it.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED

    def __init__(
        self, what: str, *, where: str = "", expected: str = "", got: str = "", mend: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.got = got
        self.mend = mend
        self.also: tuple[RehearsalError, ...] = ()
        """What else is wrong in the same place, so that a person can mend all of it at once."""

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.fields()), {"also": self.also}

    def fields(self) -> dict[str, str]:
        """Return where, expected, got and mend, without the empty ones."""
        named = {
            "where": self.where,
            "expected": self.expected,
            "got": self.got,
            "mend": self.mend,
        }
        return {name: text for name, text in named.items() if text}

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        detail = [f"{name}: {text}" for name, text in self.fields().items() if name != "where"]
        return "\n".join(["\n  ".join([head, *detail]), *map(str, self.also)])


def _rebuild(kind: type[RehearsalError], what: str, fields: dict[str, str]) -> RehearsalError:
    return kind(what, **fields)


class ConfigError(RehearsalError):
    """A run file, an option, a path or an environment variable cannot be used."""

    exit_code = ExitCode.USAGE


class PackError(RehearsalError):
    """A domain pack is incomplete or contradicts itself."""

    exit_code = ExitCode.USAGE


class EndpointError(RehearsalError):
    """An endpoint cannot be used at all: unreachable, a wrong key, an unknown model."""


class StoreError(RehearsalError):
    """The ledger or a run folder cannot be read or written."""


class StoreAwayError(StoreError):
    """The database of a ledger does not answer; what is in it may be as good as ever."""


class ResumeRefusedError(StoreError):
    """A run cannot be resumed because its prompts, config or requests have changed."""

    exit_code = ExitCode.USAGE


class TranscriptError(RehearsalError):
    """A transcript cannot be read."""


class SignOffNeededError(RehearsalError):
    """Real transcripts are in quarantine and nobody has signed for them."""

    exit_code = ExitCode.GATE_NOT_MET


class BlendError(RehearsalError):
    """A blend cannot be made from what is in the corpus."""


class CompareError(RehearsalError):
    """Two sets of sessions cannot be compared."""


class TrustError(RehearsalError):
    """Text from real people was about to go to an endpoint that is not trusted with it."""

    exit_code = ExitCode.GATE_NOT_MET


class TrainingError(RehearsalError):
    """A model cannot be trained."""


class EvaluationError(RehearsalError):
    """Models cannot be compared."""


class LeakError(EvaluationError):
    """A model under test was trained on what it would be tried on."""

    exit_code = ExitCode.GATE_NOT_MET


class BudgetReachedError(RehearsalError):
    """The run may spend no more."""

    exit_code = ExitCode.BUDGET_REACHED


class InterruptedRunError(RehearsalError):
    """The run was stopped by Ctrl-C and can be resumed."""

    exit_code = ExitCode.INTERRUPTED
