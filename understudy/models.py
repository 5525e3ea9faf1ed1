"""The models that the understudy serves, and the role player behind each name."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import orjson

from understudy.apierror import ApiError
from understudy.example import example_of
from understudy.schema import misfit

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.request import ChatRequest

MODELS = {
    "understudy-client": "client",
    "understudy-therapist": "therapist",
    "understudy-therapist:novice": "therapist",
    "understudy-therapist:competent": "therapist",
    "understudy-therapist:expert": "therapist",
    "understudy-supervisor": "supervisor",
    "understudy-judge": "judge",
    "understudy-caster": "caster",
}
"""Model name to role; a therapist without a skill is competent."""

SPEAKERS = frozenset({"client", "therapist"})
"""Roles that answer in speech; the others answer in JSON."""


@cache
def _player(role: str) -> Callable[[ChatRequest], str]:
    """Load a role's `answer`, only when it is asked for: each role has words of its own to read."""
    answer: Callable[[ChatRequest], str] = import_module(f"understudy.roles.{role}").answer
    return answer


def role_of(model: str) -> str:
    """Return the role that plays `model`.

    Raises:
        ApiError: Status 404; the message names the models there are.
    """
    role = MODELS.get(model)
    if role is None:
        raise ApiError(
            f"The model '{model}' does not exist. Models here: {', '.join(MODELS)}.",
            status=404,
            param="model",
            code="model_not_found",
        )
    return role


def answer(request: ChatRequest) -> str:
    """Return what the request's model answers, in the form the request asks for.

    Raises:
        ApiError: The model is unknown, or it cannot fill the schema that is asked for.
    """
    role = role_of(request.model)
    text = _player(role)(request)
    if role in SPEAKERS:
        if request.schema is not None:
            text = orjson.dumps(example_of(request.schema, text)).decode()
        elif request.json_object:
            return orjson.dumps({"reply": text}).decode()
    if request.schema is not None:
        _hold_to(request.schema, text, request.model)
    return text


def _hold_to(schema: dict[str, object], text: str, model: str) -> None:
    try:
        problem = misfit(schema, orjson.loads(text))
    except orjson.JSONDecodeError as error:
        problem = str(error)
    if problem:
        raise ApiError(
            f"Unsupported schema: '{model}' can only answer its own role's form ({problem}).",
            param="response_format.json_schema.schema",
            code="unsupported_value",
        )
