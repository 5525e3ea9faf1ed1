"""The only way to a model: LangChain's chat model over our own line, and a role's calls through it.

`EndpointChat` is a `ChatOpenAI` whose one documented extension point, `_agenerate`, talks to the
endpoint over aiohttp and orjson: callbacks, `ainvoke` and everything built on them work as ever,
at a tenth of the cost. `RoleModel` is what the roles use: journalled, bounded, typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

import orjson
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, PrivateAttr, SecretStr

from agents.desk import Attempt, AttemptFailed, Desk
from agents.dressing import chat_result, dress, undress
from agents.endpoint import check_endpoint, refuse_failing
from agents.journal import NullJournal
from agents.line import close_line, current_line, headers_of, key_of
from agents.listeners import anybody_listens
from agents.retry import LESSONS, Backoff, Patience
from agents.speech import clean_speech, misspoken
from agents.structured import (
    REPAIRS,
    InvalidAnswerError,
    ask_again,
    packed_format,
    read_answer,
    response_format,
)
from domain.call import CallFailed, CallKey, CallResult, Outcome, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import ChatResult

    from agents.habits import Habits
    from agents.messages import Message
    from domain.journal import Journal
    from domain.settings import RoleSettings

__all__ = [
    "EndpointChat",
    "NullJournal",
    "RoleModel",
    "check_endpoint",
    "close_line",
    "refuse_failing",
]

T = TypeVar("T", bound=BaseModel)

LEAN_FIELDS = frozenset(
    {"model", "model_name", "base_url", "openai_api_base", "api_key", "openai_api_key"}
    | {"temperature", "top_p", "seed", "max_tokens", "max_completion_tokens"}
    | {"timeout", "request_timeout", "max_retries", "disable_streaming"}
    | {"callbacks", "tags", "metadata", "name", "verbose", "cache"}
)
"""Constructor arguments that the lean way honours; any other one takes the parent's way."""

LEAN_OPTIONS = frozenset(("temperature", "top_p", "max_tokens", "seed", "stop", "response_format"))
"""Call options that the lean way honours."""

TIMEOUT_S = 120.0
"""Deadline of an attempt where `timeout` gives none."""


class EndpointChat(ChatOpenAI):
    """`ChatOpenAI` over one shared aiohttp session.

    Streaming, tools, content parts and options it does not know fall back to the parent class.
    Speech and reasoning are kept apart: reasoning is under `reasoning_content` in the message's
    `additional_kwargs`.

    Raises on call:
        AttemptFailed: The attempt ended in anything but `OK`; carries the typed result.
    """

    _desk: Desk | None = PrivateAttr(default=None)
    _lean: bool = PrivateAttr(default=False)

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - ChatOpenAI's own arguments
        super().__init__(**options)
        self._lean = options.keys() <= LEAN_FIELDS and not self._use_responses_api({})

    @classmethod
    def at_desk(cls, desk: Desk) -> Self:
        """Return a model whose calls go through `desk`.

        Streaming is off even where a streaming callback listens: it would pass the journal by.
        The key is read from the environment at each call and never kept.
        """
        settings = desk.settings
        chat = cls(
            model=settings.model,
            base_url=desk.base_url,
            api_key=lambda: key_of(settings.api_key_env) or "none",
            max_retries=0,
            disable_streaming=True,
        )
        chat._desk = desk
        return chat

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,  # noqa: ANN401 - the parent's signature
    ) -> ChatResult:
        attempt = kwargs.get("attempt")
        if isinstance(attempt, Attempt) and self._desk is not None:
            result = await self._desk.run(attempt)
        else:
            plain = undress(messages) if self._lean and kwargs.keys() <= LEAN_OPTIONS else None
            if plain is None or not _is_json(kwargs):
                return await super()._agenerate(messages, stop, run_manager, **kwargs)
            result = await self._send(plain, {**kwargs, **({"stop": stop} if stop else {})})
        if result.outcome is not Outcome.OK:
            raise AttemptFailed(result)
        return chat_result(result)

    async def _send(self, messages: list[Message], options: dict[str, Any]) -> CallResult:
        """Make one call outside any journal; a refused parameter is learned and left out."""
        fields = ("temperature", "top_p", "max_tokens", "seed")
        own = {name: getattr(self, name) for name in fields if getattr(self, name) is not None}
        params = {**own, **options}
        base_url = (self.openai_api_base or "https://api.openai.com/v1").rstrip("/")
        line, headers = current_line(), headers_of(_secret(self.openai_api_key))
        timeout_s = self.request_timeout
        patience = float(timeout_s) if isinstance(timeout_s, int | float) else TIMEOUT_S
        for _ in range(LESSONS):
            habits: Habits = line.habits(base_url, self.model_name)
            body = {"model": self.model_name, "messages": messages, **habits.adapt(params)}
            url = f"{base_url}/chat/completions"
            result = await line.post(url, orjson.dumps(body), headers, patience)
            lesson = habits.learn(result, params)
            if lesson is None:
                break
            line.learn(base_url, self.model_name, lesson)
        return result

    def _get_invocation_params(
        self,
        stop: list[str] | None = None,
        **kwargs: Any,  # noqa: ANN401 - the parent's signature
    ) -> dict[str, Any]:
        """Show callbacks what is asked for; a journalled call shows its key."""
        attempt = kwargs.get("attempt")
        if not isinstance(attempt, Attempt):
            return super()._get_invocation_params(stop, **kwargs)
        call = {"model": self.model_name, "call": str(attempt.key), "stop": stop}
        form = {} if attempt.form is None else {"response_format": response_format(attempt.form)}
        return {**call, **attempt.params, **form}


def _is_json(options: dict[str, Any]) -> bool:
    form = options.get("response_format")
    return form is None or isinstance(form, dict)


def _secret(key: object) -> str:
    if isinstance(key, SecretStr):
        return key.get_secret_value()
    return str(key()) if callable(key) else ""


def spoken(result: CallResult) -> CallResult:
    """Nothing but a label or quotes is nothing said; what is no turn is shown to the model."""
    if not clean_speech(result.text):
        return result.model_copy(update={"outcome": Outcome.EMPTY, "detail": "nothing is said"})
    fault = misspoken(result.text)
    if fault:
        return result.model_copy(update={"outcome": Outcome.INVALID, "detail": fault})
    return result


class RoleModel:
    """One role's model: every attempt recalled, permitted, recorded and bounded.

    Args:
        role: Whose calls these are.
        settings: Endpoint, model and sampling.
        journal: Where calls are written; `NullJournal()` for none.
        backoff: How long to wait between attempts.
    """

    def __init__(
        self, role: Role, settings: RoleSettings, journal: Journal, backoff: Backoff | None = None
    ) -> None:
        self.role = role
        self.settings = settings
        self.answered = False
        """Whether anything that could be used has come back yet, recalled or fresh."""
        self._backoff = backoff or Backoff()
        self._desk = Desk(role, settings, journal)
        self._chat = EndpointChat.at_desk(self._desk)
        sampling = settings.model_dump(include={"temperature", "top_p", "max_tokens"})
        self._sampling = {name: value for name, value in sampling.items() if value is not None}

    def __repr__(self) -> str:
        return f"RoleModel({self.role.value}, {self.settings.model})"

    async def say(
        self,
        messages: Sequence[Message],
        key: CallKey,
        seed: int,
        check: Callable[[CallResult], CallResult] = spoken,
    ) -> CallResult:
        """Ask for something said.

        Args:
            messages: The whole request, system prompt first.
            key: The step, with attempt 0.
            seed: Derived from run, draft and step; the same for every attempt.
            check: May turn an answer into one that cannot be used, with the reason in `detail`.

        Returns:
            A result whose outcome is `OK`; its text is as the model gave it, see `clean_speech`.

        Raises:
            CallFailed: Every attempt failed.
            BudgetReachedError, StoreError, ResumeRefusedError: From the journal.
        """
        return await self._settle(messages, key, {**self._sampling, "seed": seed}, check)

    async def ask(
        self,
        messages: Sequence[Message],
        schema: type[T],
        key: CallKey,
        seed: int,
        check: Callable[[T], None] | None = None,
    ) -> T:
        """Ask for an answer that fits `schema`.

        An answer that does not fit is shown to the model with its faults, at most twice.

        Args:
            messages: The whole request, system prompt first.
            schema: Sent as `response_format` and validated against.
            key: The step, with attempt 0.
            seed: Derived from run, draft and step; the same for every attempt.
            check: Raises `InvalidAnswerError` for what a schema cannot say.

        Raises:
            CallFailed: Every attempt failed, or the last repair did.
            BudgetReachedError, StoreError, ResumeRefusedError: From the journal.
        """
        answers: list[T] = []

        def fits(result: CallResult) -> CallResult:
            try:
                answers.append(read_answer(result.text, schema, check))
            except InvalidAnswerError as fault:
                return result.model_copy(update={"outcome": Outcome.INVALID, "detail": str(fault)})
            return result

        params = {**self._sampling, "seed": seed, "response_format": packed_format(schema)}
        await self._settle(messages, key, params, fits, schema)
        return answers[-1]

    async def _settle(
        self,
        messages: Sequence[Message],
        key: CallKey,
        params: dict[str, Any],
        check: Callable[[CallResult], CallResult],
        form: type[BaseModel] | None = None,
    ) -> CallResult:
        """Attempt until a result may be used or nothing more may be tried."""
        settings = self.settings
        patience = Patience(
            settings.retries, REPAIRS, self._backoff, settings.patience_s, self._desk.rest
        )
        original = asked = list(messages)
        while True:
            attempt = Attempt(key, asked, params, check, form, patience.since)
            result = await self._once(attempt)
            if result.outcome is Outcome.OK:
                self.answered = True
                return result
            if not await patience.allows(attempt, result):
                raise CallFailed(key, self.role, result)
            if result.outcome is Outcome.INVALID:
                asked = ask_again(original, result.text, result.detail, spoken=form is None)
            key = key.next_attempt()

    async def _once(self, attempt: Attempt) -> CallResult:
        """Make one attempt, through LangChain where anybody listens.

        Where nobody does, LangChain has nothing to add, and costs as much again.
        """
        if not anybody_listens(self._chat.callbacks):
            return await self._desk.run(attempt)
        try:
            await self._chat.ainvoke(dress(attempt.messages), attempt=attempt)
        except AttemptFailed as failed:
            return failed.result
        if attempt.result is None:
            raise RuntimeError("the chat model answered without making the attempt")
        return attempt.result
