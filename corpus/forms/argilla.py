"""Argilla: a folder for `Dataset.from_disk`, and its records read back.

Layout and keys as Argilla 2 writes and reads them (`argilla/datasets/_io/_disk.py`): `records.json`
beside `.argilla/settings.json` and `.argilla/dataset.json`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from corpus.forms.form import Form, about
from corpus.forms.questions import COMMENT, comment_title, dialogue_of, guidelines, questions
from domain.base import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from corpus.forms.questions import Question
    from domain.record import Record

Json = Any

TOOL = "argilla"


def looks_like(value: Json) -> bool:
    """Tell a record of Argilla's."""
    return isinstance(value, dict) and "responses" in value and "fields" in value


def answers_of(value: Mapping[str, Json]) -> Iterator[dict[str, str]]:
    """Yield what each person answered: `record`, `by`, `at` and the answers by question.

    Argilla keeps no time per answer in its files; `at` is the record's own where it has one. An
    answer that was discarded, or not handed in, is none.
    """
    by_user: dict[str, dict[str, str]] = {}
    for question, answers in (value.get("responses") or {}).items():
        for answer in answers or ():
            if answer.get("status") in {"discarded", "draft"}:
                continue
            said = by_user.setdefault(str(answer.get("user_id") or ""), {})
            said[question] = str(answer.get("value") or "")
    metadata = value.get("metadata") or {}
    record = str(metadata.get("record") or value.get("id") or "")
    at = str(value.get("updated_at") or value.get("inserted_at") or "")
    for user, said in by_user.items():
        yield {**said, "record": record, "by": user, "at": at}


def _write(folder: Path, records: Iterable[Record]) -> int:
    count = 0
    with (folder / "records.json").open("wb") as stream:
        stream.write(b"[")
        for record in records:
            stream.write((b",\n" if count else b"\n") + canonical_json(_record(record)))
            count += 1
        stream.write(b"\n]\n")
    settings = folder / ".argilla"
    settings.mkdir()
    _write_json(settings / "settings.json", _settings())
    _write_json(
        settings / "dataset.json",
        {
            "name": "sessions",
            "guidelines": guidelines(),
            "allow_extra_metadata": True,
            "status": "draft",
        },
    )
    return count


def _record(record: Record) -> dict[str, Json]:
    told = about(record)
    told["lineage"] = " ".join(told["lineage"])
    return {
        "id": record.id,
        "fields": {"dialogue": dialogue_of(record)},
        "metadata": {"record": told.pop("id"), **told},
        "suggestions": {},
        "responses": {},
        "vectors": {},
        "status": "pending",
    }


def _settings() -> dict[str, Json]:
    return {
        "guidelines": guidelines(),
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "fields": [
            {
                "name": "dialogue",
                "title": "Session",
                "required": True,
                "settings": {"type": "chat", "use_markdown": False},
            }
        ],
        "questions": [*map(_question, questions()), _remark()],
        "metadata": [],
        "vectors": [],
    }


def _question(question: Question) -> dict[str, Json]:
    options = [{"value": value, "text": text} for value, text in question.values.items()]
    return {
        "name": question.name,
        "title": question.title,
        "description": None,
        "required": question.required,
        "settings": {"type": "label_selection", "options": options, "visible_options": None},
    }


def _remark() -> dict[str, Json]:
    return {
        "name": COMMENT,
        "title": comment_title(),
        "description": None,
        "required": False,
        "settings": {"type": "text", "use_markdown": False},
    }


def _write_json(path: Path, value: Json) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


ARGILLA_FORM = Form(
    "argilla",
    _write,
    "`records.json` and `.argilla/`: a folder for `argilla.Dataset.from_disk`. Read answers back"
    " with `rehearsal corpus reviews RUN --from records.json`.",
    for_training=False,
)
