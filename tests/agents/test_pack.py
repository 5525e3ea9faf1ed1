from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from agents.pack import load_pack, same_pack
from agents.packfolder import INSTALLED
from domain.errors import PackError

if TYPE_CHECKING:
    from pathlib import Path

    from agents.pack import Pack


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(INSTALLED / "cbt", tmp_path / "mine")


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_name_loads_the_installed_pack(pack: Pack) -> None:
    assert pack.name == "cbt"
    assert {"empathy", "relevance", "safety", "ctrs_strategy"} <= pack.criteria.keys()
    assert len(pack.session.items) == 11


def test_a_path_loads_that_folder(copy: Path, pack: Pack) -> None:
    assert load_pack(str(copy)).hash == pack.hash


def test_a_worker_refuses_another_pack_than_the_drivers(copy: Path, pack: Pack) -> None:
    assert same_pack(str(copy), pack.hash).root == copy
    note = copy / "prompts" / "judge.md"
    note.write_text(note.read_text(encoding="utf-8") + "\nBe brief.\n", encoding="utf-8")
    with pytest.raises(PackError, match="another pack") as refused:
        same_pack(str(copy), pack.hash)
    assert pack.hash[:16] in refused.value.expected


@pytest.mark.parametrize("file", ["prompts/judge.md", "phases.yaml", "taxonomies/styles.yaml"])
def test_the_hash_covers_every_file(copy: Path, pack: Pack, file: str) -> None:
    with (copy / file).open("a", encoding="utf-8") as text:
        text.write("\n# seen\n")
    assert load_pack(str(copy)).hash != pack.hash


def test_hidden_files_do_not_change_the_hash(copy: Path, pack: Pack) -> None:
    (copy / ".cache").write_text("x", encoding="utf-8")
    assert load_pack(str(copy)).hash == pack.hash


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("pack.yaml", "name: cbt", "name: cbt\nname: again", "twice"),
        ("pack.yaml", "  judge: prompts/judge.md\n", "", "judge"),
        ("pack.yaml", "  styles: taxonomies/styles.yaml\n", "", "styles"),
        ("pack.yaml", "language: en", "tongue: en", "language"),
        ("rubrics/session.yaml", "  collaboration: 4", "  colaboration: 4", "colaboration"),
        ("rubrics/session.yaml", "item_minimum: 2", "item_minimum: 9", "thresholds"),
        ("rubrics/gates.yaml", "key: ending", "key: role_integrity", "role_integrity"),
        ("rubrics/flaws.yaml", "key: no_summary", "key: no_agenda", "no_agenda"),
        ("rubrics/behaviours.yaml", "key: advice_share", "key: advise", "not measured"),
        ("rubrics/behaviours.yaml", "least: 0.11, ", "", "`least` or `most`"),
        ("rubrics/empathy.yaml", "key: empathy", "key: warmth", "warmth"),
        ("rubrics/empathy.yaml", "  5: ", "  6: ", "points 1 to 5"),
        ("phases.yaml", "key: explore, share: 0.3", "key: explore, share: 0.4", "add up to 1.1"),
        ("phases.yaml", "until: 0.55", "until: 0.2", "rise"),
        ("taxonomies/styles.yaml", "key: upset", "key: cross", "upset"),
        ("taxonomies/distortions.yaml", "distortions:", "habits:", "distortions"),
        ("crisis.yaml", "default:", "fallback:", "default"),
        ("prompts/therapist.md", "{{ goals }}", "{{ core_beliefs }}", "core_beliefs"),
        ("prompts/therapist.md", "{{ goals }}", "{{goals}}", "{{goals}}"),
        ("prompts/judge-case.md", "{{ reply }}", "the reply", "{{ reply }}"),
        ("prompts/therapist-notes.md", "Private notes", "Notes", "Private notes"),
    ],
)
def test_a_slip_is_refused_with_its_place(
    copy: Path, file: str, old: str, new: str, says: str
) -> None:
    change(copy / file, old, new)
    with pytest.raises(PackError) as refused:
        load_pack(str(copy))
    assert says in str(refused.value)
    assert file in refused.value.where
    assert {"expected", "got", "mend"} <= refused.value.fields().keys()


def test_a_misspelt_key_is_named_with_the_one_that_is_meant(copy: Path) -> None:
    change(copy / "pack.yaml", "title:", "titel:")
    change(copy / "pack.yaml", "language:", "lingo:")
    with pytest.raises(PackError, match='unknown key "titel"') as refused:
        load_pack(str(copy))
    assert refused.value.where.endswith("pack.yaml: titel")
    assert 'did you mean "title"?' in refused.value.mend
    assert len(refused.value.expected) < 200
    assert [fault.what for fault in refused.value.also] == [
        'unknown key "lingo"',
        'the key "language" is missing',
    ]


def test_an_empty_file_is_refused(copy: Path) -> None:
    (copy / "prompts" / "client.md").write_text("", encoding="utf-8")
    with pytest.raises(PackError, match="empty"):
        load_pack(str(copy))


def test_a_missing_file_is_refused(copy: Path) -> None:
    (copy / "crisis.yaml").unlink()
    with pytest.raises(PackError, match="missing"):
        load_pack(str(copy))


def test_an_unknown_pack_names_the_known_ones() -> None:
    with pytest.raises(PackError) as refused:
        load_pack("dbt")
    assert "cbt" in refused.value.expected


def test_filling_is_one_pass(pack: Pack) -> None:
    filled = pack.fill("judge_case", transcript="{{ reply }} {% x %} {0} <b>", reply="{{ name }}")
    assert "{{ reply }} {% x %} {0} <b>" in filled
    assert filled.endswith("{{ name }}")


def test_an_unlisted_prompt_or_value_is_refused(pack: Pack) -> None:
    with pytest.raises(PackError, match="nobody"):
        pack.fill("nobody")
    with pytest.raises(PackError, match="reply"):
        pack.fill("judge_case", transcript="x")


def test_an_unlisted_key_is_written_in_plain_words(pack: Pack) -> None:
    assert pack.named("techniques", "examining_evidence") == "Examining the evidence"
    assert pack.named("techniques", "some_new_thing") == "some new thing"
    assert pack.described("techniques", "some_new_thing") == ""
