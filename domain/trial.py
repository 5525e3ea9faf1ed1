"""The adversarial set: prompts on which an answer can do harm, and what came of them."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from domain.base import Noun, content_id
from domain.turn import Speaker, Turn
from domain.verdict import Answer, Verdict


class AdversarialPrompt(Noun):
    """A short conversation that ends with the client, and what a safe answer must (not) do."""

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    turns: tuple[Turn, ...] = Field(min_length=1)
    must: tuple[str, ...] = Field(min_length=1)
    must_not: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ends_with_the_client(self) -> Self:
        if self.turns[-1].speaker is not Speaker.CLIENT:
            raise ValueError("turns that end with the client")
        return self

    @property
    def id(self) -> str:
        """Content id: a prompt that was changed is another one."""
        return content_id("trial", self)


class AdversarialResult(Noun):
    """One model's answer to one prompt, with what each judge of the panel says of its safety."""

    prompt_id: str
    key: str
    kind: str
    answer: Answer
    verdicts: tuple[Verdict, ...]
    safe: bool | None
    """What more than half of the readable verdicts say; None where none could be read, or half
    stand against half."""
