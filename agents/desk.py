"""One attempt at a call: written down before it is used, recalled instead of asked twice."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from agents.habits import Habits, every_habit
from agents.line import current_line, headers_of, key_of
from domain.call import (
    CALL_HEADER,
    CallKey,
    CallResult,
    CallRow,
    Outcome,
    Reservation,
    Role,
)
from domain.errors import ConfigError, ResumeRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from agents.line import Line
    from agents.messages import Message
    from domain.journal import Journal
    from domain.settings import RoleSettings


class AttemptFailed(Exception):  # noqa: N818 - an outcome, not an error of ours
    """An attempt ended in anything but `OK`; LangChain's callbacks see it as an error."""

    def __init__(self, result: CallResult) -> None:
        super().__init__(f"{result.outcome.value}: {result.detail}")
        self.result = result

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.result,)


@dataclass(slots=True)
class Attempt:
    """What goes into one attempt and, once it is over, what came out.

    `params` is everything in the body but model and messages, in its canonical names. `check`
    may turn an `OK` into another outcome before it is recorded. `form` is what the answer must fit;
    it stands in `params` as bytes. `since` is when the endpoint first failed the step, by the event
    loop's clock.
    """

    key: CallKey
    messages: list[Message]
    params: dict[str, Any]
    check: Callable[[CallResult], CallResult]
    form: type[BaseModel] | None = None
    since: float | None = None
    result: CallResult | None = None
    recalled: bool = False
    excused: bool = False
    """Whether it failed for the endpoint's sake: too many calls, or none of them answered."""
    left_to_gate: bool = False
    """Whether the endpoint answers nobody by now: its gate says when the call has had enough."""
    given_up: bool = False
    """Whether it was never sent: the endpoint has answered nothing for as long as it would wait."""
    lesson: Habits | None = None
    """What a rejection taught: the call is worth asking again at once."""


class _Letter(NamedTuple):
    """What is sent, and the habits of the endpoint that it was written by."""

    body: bytes
    """Canonical: messages stand before everything that changes from step to step."""
    digest: str
    """Its SHA-256 in hex."""
    habits: Habits


class Desk:
    """Makes one role's attempts, through its journal and its endpoint's limit."""

    def __init__(self, role: Role, settings: RoleSettings, journal: Journal) -> None:
        if not settings.base_url.startswith(("http://", "https://")):
            raise ConfigError(
                "the endpoint is no address",
                where=f"roles.{role.value}.base_url",
                expected="the root of an OpenAI-compatible API, e.g. https://host/v1",
                got=settings.base_url,
                mend='Set base_url; "understudy" is started by the command line only.',
            )
        self.role = role
        self.settings = settings
        self.journal = journal
        self.base_url = settings.base_url.rstrip("/")
        self.url = f"{self.base_url}/chat/completions"
        self._gate = journal.gate(settings)
        self.rest = self._gate.rest
        self._under_way: dict[str, asyncio.Event | None] = {}
        """Calls being asked, each with what its twins wait for, once there is one."""

    async def run(self, attempt: Attempt) -> CallResult:
        """Recall the attempt's result, or ask for it and record it.

        A second caller of a key that is just being asked waits and then recalls.

        Raises:
            BudgetReachedError, StoreError, ResumeRefusedError: From the journal.
        """
        name = str(attempt.key)
        while name in self._under_way:
            twin = self._under_way[name] = self._under_way[name] or asyncio.Event()
            await twin.wait()
        line = current_line()
        letter = self._letter(attempt, line.habits(self.base_url, self.settings.model))
        found, letter = self._recall(attempt, letter)
        if found is None:
            result, letter = await self._ask(attempt, name, letter, line)
        else:
            attempt.recalled = True
            result = self._checked(attempt, found)
        attempt.result = result
        attempt.excused = self._gate.excuses(result)
        attempt.left_to_gate = attempt.excused and self._gate.is_failing
        attempt.lesson = letter.habits.learn(result, attempt.params)
        if attempt.lesson is not None:
            line.learn(self.base_url, self.settings.model, attempt.lesson)
        return result

    def _letter(self, attempt: Attempt, habits: Habits) -> _Letter:
        params = habits.adapt(attempt.params)
        body = orjson.dumps({"model": self.settings.model, "messages": attempt.messages, **params})
        return _Letter(body, hashlib.sha256(body).hexdigest(), habits)

    def _recall(self, attempt: Attempt, letter: _Letter) -> tuple[CallResult | None, _Letter]:
        """Look the attempt up under the body it would have now, or under another habit.

        The run that recorded it may have known more, or less, of the endpoint's habits.
        """
        try:
            return self.journal.recall(attempt.key, letter.digest), letter
        except ResumeRefusedError:
            for habits in every_habit(attempt.params):
                other = self._letter(attempt, habits)
                try:
                    found = self.journal.recall(attempt.key, other.digest)
                except ResumeRefusedError:
                    continue
                return found, other
            raise

    async def _ask(
        self, attempt: Attempt, name: str, letter: _Letter, line: Line
    ) -> tuple[CallResult, _Letter]:
        """Ask and record; return also what was sent. What was given up unsent is not recorded."""
        self._under_way[name] = None
        try:
            result, letter = await self._post(attempt, name, letter, line)
            if attempt.given_up:
                return result, letter
            result = self._checked(attempt, result)
            await self.journal.record(
                CallRow(
                    key=attempt.key,
                    role=self.role,
                    endpoint=self.base_url,
                    request_hash=letter.digest,
                    request=letter.body,
                    result=result,
                )
            )
        finally:
            if (twin := self._under_way.pop(name)) is not None:
                twin.set()
        return result, letter

    async def _post(
        self, attempt: Attempt, name: str, letter: _Letter, line: Line
    ) -> tuple[CallResult, _Letter]:
        """Send the letter when the endpoint's limit and the budget let it.

        What other calls have taught while this one waited is heeded: it is written anew.
        """
        settings, size = self.settings, len(letter.body)
        headers = headers_of(key_of(settings.api_key_env))
        headers[CALL_HEADER] = name
        call = Reservation(attempt.key, self.role, settings.model, size, settings.max_tokens)
        unsent = await self._gate.enter(call, settings.patience_s, attempt.since)
        if unsent is not None:
            attempt.given_up = True
            return unsent, letter
        result = None
        try:
            await self.journal.permit(call)
            habits = line.habits(self.base_url, settings.model)
            if habits is not letter.habits and habits != letter.habits:
                letter = self._letter(attempt, habits)
            result = await line.post(self.url, letter.body, headers, settings.timeout_s)
        finally:
            self._gate.leave(call, result)
        return result, letter

    def _checked(self, attempt: Attempt, result: CallResult) -> CallResult:
        return attempt.check(result) if result.outcome is Outcome.OK else result
