"""A key that an endpoint asks for and does not get, told so that a person can set it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agents.line import key_of
from domain.errors import EndpointError

if TYPE_CHECKING:
    from domain.settings import RoleSettings

STATUSES = (401, 403)
"""With which a server refuses to list its models to a key, or to nobody."""

_REFUSED = re.compile(
    r"\AHTTP 401\b(?!(?: \[[^\]]*\])? \[insufficient_quota\])|\AHTTP 403 .*\[invalid_api_key\]"
)
"""A refused key in the detail of a call, as `agents.reply.read_error` words it. 403 alone says more
often that this model, or this region, is not for this key."""


def is_key_refused(detail: str) -> bool:
    """Whether the detail of a `REJECTED` says that a key is wrong or missing."""
    return _REFUSED.match(detail) is not None


def key_refused(settings: RoleSettings, where: str, got: str) -> EndpointError:
    """Return the error of a server that refuses the key, or asks for one where none is set.

    Args:
        settings: The role's endpoint; it names the variable, whose value is not repeated.
        where: Where the settings stand, e.g. `roles.therapist`.
        got: What the server said.
    """
    name = settings.api_key_env
    if key_of(name):
        what = f"the key in {name} is refused at {settings.base_url}"
        mend = f"Set {name} to a key that is valid there, or name another variable in api_key_env."
    else:
        what = f"{name} is not set, and a key is asked for at {settings.base_url}"
        mend = f"Set {name}, or name the variable that has the key in api_key_env."
    return EndpointError(
        what,
        where=f"{where}.api_key_env",
        expected=f"a valid key in the environment variable {name}",
        got=got,
        mend=mend,
    )
