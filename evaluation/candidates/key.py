"""The token that servers of the models under test ask for."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_ENV = "REHEARSAL_CANDIDATE_KEY"
"""Variable with the token: made anew for each evaluation, and never written anywhere."""


@contextmanager
def candidate_key() -> Iterator[str]:
    """Hold a token in this process's environment as `KEY_ENV`; servers beside each other share it.

    Others on this machine can reach loopback too.
    """
    if found := os.environ.get(KEY_ENV):
        yield found
        return
    os.environ[KEY_ENV] = secrets.token_urlsafe()
    try:
        yield os.environ[KEY_ENV]
    finally:
        del os.environ[KEY_ENV]
