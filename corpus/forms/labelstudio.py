"""Label Studio: tasks with a labelling interface, and its JSON export read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from corpus.forms.form import Form, about
from corpus.forms.questions import COMMENT, comment_title, dialogue_of, guidelines, questions
from domain.base import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from corpus.forms.questions import Question
    from domain.record import Record

Json = Any

TOOL = "label-studio"


def looks_like(value: Json) -> bool:
    """Tell an annotated task of Label Studio's."""
    return isinstance(value, dict) and "data" in value and "annotations" in value


def answers_of(value: Mapping[str, Json]) -> Iterator[dict[str, str]]:
    """Yield what each person answered: `record`, `by`, `at` and the answers by question.

    A cancelled annotation is none. `completed_by` is a number, or an object with an e-mail.
    """
    record = str((value.get("data") or {}).get("record") or "")
    for annotation in value.get("annotations") or ():
        if annotation.get("was_cancelled"):
            continue
        said = dict(_answer(result) for result in annotation.get("result") or ())
        who = annotation.get("completed_by")
        by = who.get("email") or who.get("id") if isinstance(who, dict) else who
        at = annotation.get("updated_at") or annotation.get("created_at")
        yield {**said, "record": record, "by": str(by or ""), "at": str(at or "")}


def _answer(result: Mapping[str, Json]) -> tuple[str, str]:
    value = result.get("value") or {}
    chosen = value.get("choices") or value.get("text") or ""
    text = chosen if isinstance(chosen, str) else "\n".join(map(str, chosen))
    return str(result.get("from_name") or ""), text


def _write(folder: Path, records: Iterable[Record]) -> int:
    count = 0
    with (folder / "tasks.json").open("wb") as stream:
        stream.write(b"[")
        for record in records:
            told = about(record)
            data = {"record": told.pop("id"), "dialogue": dialogue_of(record), **told}
            task = {"id": count + 1, "data": data}
            stream.write((b",\n" if count else b"\n") + canonical_json(task))
            count += 1
        stream.write(b"\n]\n")
    (folder / "labeling-config.xml").write_text(_interface(), encoding="utf-8")
    return count


def _interface() -> str:
    asked = "\n".join(map(_choices, questions()))
    return f"""<View>
  <Header value={quoteattr(guidelines())}/>
  <Paragraphs name="dialogue" value="$dialogue" layout="dialogue" nameKey="role" textKey="content"/>
{asked}
  <TextArea name="{COMMENT}" toName="dialogue" placeholder={quoteattr(comment_title())} rows="3"/>
</View>
"""


def _choices(question: Question) -> str:
    required = "true" if question.required else "false"
    choices = "\n".join(
        f"    <Choice value={quoteattr(text)} alias={quoteattr(value)}/>"
        for value, text in question.values.items()
    )
    return f"""  <Header value={quoteattr(question.title)} size="5"/>
  <Choices name="{question.name}" toName="dialogue" choice="single" required="{required}">
{choices}
  </Choices>"""


LABEL_STUDIO_FORM = Form(
    "label-studio",
    _write,
    "`tasks.json` to import, and `labeling-config.xml` for the project's labelling interface. Read"
    " the project's JSON export back with `rehearsal corpus reviews RUN --from FILE`.",
    for_training=False,
)
