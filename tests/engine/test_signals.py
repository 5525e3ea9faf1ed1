from __future__ import annotations

import ctypes
import os
import signal
import threading
from functools import partial
from operator import call
from typing import TYPE_CHECKING

from engine.signals import Interrupts

if TYPE_CHECKING:
    from collections.abc import Callable

libc = ctypes.CDLL(None)
PRESSED = partial(libc["raise"], signal.SIGINT)
TERMINATED = partial(libc["raise"], signal.SIGTERM)


def wait_in_c(*steps: Callable[[], object]) -> None:
    """Do the steps as if Python waited for Ray meanwhile: it runs no handler between them."""
    list(map(call, steps))


def test_two_that_come_while_python_does_not_look_are_two() -> None:
    ran: list[int] = []
    handler = signal.signal(signal.SIGUSR1, lambda number, _: ran.append(number))
    other = partial(libc["raise"], signal.SIGUSR1)
    told = threading.Semaphore(0)
    try:
        with Interrupts(told.release) as interrupts:
            wait_in_c(PRESSED, other, partial(libc.usleep, 500_000), PRESSED, other)
            assert ran == [signal.SIGUSR1], "Python looked between the two: this shows nothing"
            assert interrupts.count == 2
            assert told.acquire(timeout=10)
    finally:
        signal.signal(signal.SIGUSR1, handler)
    assert interrupts.count == 2


def test_a_signal_that_is_sent_to_the_process_and_to_its_group_is_one() -> None:
    with Interrupts() as interrupts:
        wait_in_c(TERMINATED, TERMINATED)
        assert interrupts.count == 1


def test_one_that_nobody_looked_for_is_counted_in_the_end() -> None:
    with Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)
    assert interrupts.count == 1


def test_other_signals_do_not_count_and_whoever_was_woken_before_is_again() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write)
    handler = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGUSR1)
            assert interrupts.count == 0
        signal.raise_signal(signal.SIGUSR1)
        assert os.read(read, 8) == bytes([signal.SIGUSR1])
    finally:
        signal.signal(signal.SIGUSR1, handler)
        assert signal.set_wakeup_fd(before) == write
        os.close(read)
        os.close(write)
