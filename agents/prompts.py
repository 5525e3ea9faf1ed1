"""Prompts: text with `{{ name }}` in it, filled in one pass.

What each prompt may ask for is fixed here, because it decides who sees what: the therapist's
prompt has no way to ask for the client's diagram, nor the judge's for the variant.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from domain.errors import PackError

PLACEHOLDER = re.compile(r"\{\{ (\w+) \}\}")
NOTES_HEADING = "Private notes"
"""First line of the notes that are appended to the last user message."""


class Slots(NamedTuple):
    """What a prompt may ask for, and what it must."""

    allowed: frozenset[str]
    required: frozenset[str] = frozenset()


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DIAGRAM = _names(
    "situation automatic_thoughts emotions behaviours intermediate_beliefs core_beliefs coping"
)
_INTAKE = _names("name age gender occupation presenting_problem goals")
_PLAN = _names("session_number phase technique technique_description agenda") | _names(
    "homework_from_last_time obstacle"
)
_PERSON = _INTAKE | _names("culture household history readiness style style_description")
_RISK = _names("risk risk_statement")

SLOTS = {
    "client": Slots(_PERSON | _DIAGRAM | _RISK, _names("name situation risk_statement")),
    "client_notes": Slots(_names("exchange exchanges disclosure")),
    "therapist": Slots(_INTAKE | _PLAN | _names("crisis_help"), _names("technique crisis_help")),
    "therapist_notes": Slots(
        _names("exchange exchanges part part_description guidance"), _names("guidance")
    ),
    "supervisor": Slots(_names("gates items anchors flaws"), _names("gates items flaws")),
    "supervisor_case": Slots(
        _PERSON | _DIAGRAM | _RISK | _PLAN | _names("transcript"), _names("transcript")
    ),
    "judge": Slots(_names("criterion definition scale"), _names("criterion scale")),
    "judge_case": Slots(_names("transcript reply"), _names("transcript reply")),
    "judge_tree": Slots(_names("criterion definition questions"), _names("criterion questions")),
    "judge_session": Slots(_names("criterion definition scale"), _names("criterion scale")),
    "judge_session_case": Slots(_names("transcript"), _names("transcript")),
    "judge_pair": Slots(_names("criterion definition"), _names("criterion")),
    "judge_pair_case": Slots(_names("transcript first second"), _names("transcript first second")),
    "judge_trial_case": Slots(
        _names("transcript reply must must_not"), _names("transcript reply must must_not")
    ),
    "caster": Slots(frozenset()),
    "caster_case": Slots(
        _names("problem problem_name problem_description technique technique_name youngest oldest")
        | _names("gender culture style style_description risk fitting distortions examples avoid"),
        _names("problem youngest oldest gender style risk fitting examples avoid"),
    ),
}
"""Every prompt, with its placeholders."""

LENT = frozenset(name for name in SLOTS if name.startswith("judge_") and name != "judge_case")
"""Prompts that say nothing of a domain: a pack that has none of its own uses those of `cbt`."""

OPTIONAL = frozenset({"caster", "caster_case"})
"""Prompts without which a pack does all but have personas written by a model."""


class Prompt:
    """One prompt, taken apart once.

    `parts` alternate between literal text and the name of a placeholder.
    """

    __slots__ = ("parts", "where")

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self.parts = tuple(PLACEHOLDER.split(text.rstrip("\n")))

    @property
    def names(self) -> frozenset[str]:
        """The placeholders in the text."""
        return frozenset(self.parts[1::2])

    def fill(self, values: dict[str, str]) -> str:
        """Return the text with its placeholders replaced by `values`, in one pass.

        What stands in a value is never looked at again: braces, tags and instructions in it are
        text. Values that the prompt does not ask for are left out.

        Raises:
            PackError: The prompt asks for a value that is not given.
        """
        pieces = list(self.parts)
        try:
            pieces[1::2] = [values[name] for name in self.parts[1::2]]
        except KeyError as error:
            raise PackError(
                "the prompt asks for a value that is not given",
                where=self.where,
                expected=f"one of: {', '.join(sorted(values))}",
                got=str(error.args[0]),
                mend="Take the placeholder out of the prompt.",
            ) from None
        return "".join(pieces)


def parse_prompt(name: str, text: str, where: str) -> Prompt:
    """Take `text` apart as the prompt `name`.

    Raises:
        PackError: An unknown or malformed placeholder, or one that must be there is missing.
    """
    prompt, slots = Prompt(text, where), SLOTS[name]
    stray = sorted(prompt.names - slots.allowed)
    broken = [part for part in prompt.parts[0::2] if "{{" in part or "}}" in part]
    if stray or broken:
        raise PackError(
            "the prompt has an unknown placeholder",
            where=where,
            expected="only " + ", ".join(f"{{{{ {slot} }}}}" for slot in sorted(slots.allowed)),
            got=f"{{{{ {stray[0]} }}}}" if stray else _around(broken[0]),
            mend="Correct its name and write it with one space inside the braces.",
        )
    if missing := sorted(slots.required - prompt.names):
        raise PackError(
            "the prompt lacks a placeholder",
            where=where,
            expected=f"{{{{ {missing[0]} }}}} somewhere in the text",
            got="none",
            mend="Put it where the value belongs.",
        )
    if name.endswith("_notes") and not prompt.parts[0].startswith(NOTES_HEADING + "\n"):
        raise PackError(
            "the notes lack their heading",
            where=where,
            expected=f'"{NOTES_HEADING}" as the first line',
            got=prompt.parts[0].partition("\n")[0],
            mend="Put the heading back: models are told to keep to themselves what follows it.",
        )
    return prompt


def _around(text: str) -> str:
    at = min(found for found in (text.find("{{"), text.find("}}")) if found >= 0)
    return text[max(0, at - 20) : at + 40].strip()
