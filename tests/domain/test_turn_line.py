from __future__ import annotations

import random

from domain.turn import UNSEEN, one_line


def test_a_line_is_what_leaving_out_splitting_and_joining_gives() -> None:
    for code in range(0x110000):
        sign = chr(code)
        if sign.isspace() or not sign.isprintable() or code < 0x300:
            seen = UNSEEN.sub("", f"a{sign}b")
            assert one_line(f"a{sign}b") == " ".join(seen.split()), hex(code)
    dice = random.Random(3)
    for _ in range(2000):
        text = "".join(dice.choices("ab é \n\t\u00a0\u2028", k=dice.randint(0, 9)))
        assert one_line(text) == " ".join(text.split())
