from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from corpus.compare.checks import thresholds
from corpus.compare.classifier import Texts, tell_apart
from corpus.compare.compare import compare
from corpus.compare.copied import Source, canaries_in
from corpus.compare.figures import draw_figures
from corpus.compare.sampling import halves
from corpus.compare.side import Side, Talk, read_side
from corpus.compare.store import compare_run, read_canaries, read_comparison
from corpus.files import write_nouns
from corpus.signoff import sign_off
from domain.errors import CompareError, ConfigError, ExitCode
from domain.record import Origin
from domain.settings import CompareSettings, CorpusSettings, Settings
from domain.turn import Speaker, Turn
from rehearsal.cli import run as command_line
from tests.corpus.builders import TALK, record

if TYPE_CHECKING:
    from pathlib import Path

    from corpus.compare.result import Comparison, Measured, PairName
    from domain.runfolder import RunFolder

QUICK = CompareSettings(permutations=50)


def talk(number: int, lines: list[str], *, is_real: bool = False) -> Talk:
    turns = [
        Turn(index=i, speaker=list(Speaker)[(i + 1) % 2], text=line) for i, line in enumerate(lines)
    ]
    return Talk(f"talk-{number:03d}", f"group-{number // 2}", tuple(turns), is_real)


def side(name: str, words: list[str], seed: int, sessions: int = 24, **more: bool) -> Side:
    """Sessions that say words of one list."""
    rng = np.random.default_rng(seed)
    made = [
        talk(n, [" ".join(rng.choice(words, 9)) + "." for _ in range(12)], **more)
        for n in range(sessions)
    ]
    return Side(name, tuple(made), sessions)


def utterance_auc(found: Comparison, pair: PairName) -> Measured:
    auc = found.pairs[pair].utterance_auc
    assert auc is not None
    return auc


PLAIN = [f"{letter}{i}" for letter in "abcdef" for i in range(40)]
STILTED = [*PLAIN[:200], *(["furthermore", "delve", "tapestry", "validate"] * 40)]


def test_equal_sides_pass_and_telling_ones_fail_with_examples() -> None:
    real = side("real", PLAIN, 1)
    same = compare(real, side("same", PLAIN, 2), QUICK, 7)
    assert utterance_auc(same, "synthetic").value == pytest.approx(0.5, abs=0.1)
    assert same.passed, same.failed
    other = compare(real, side("llm", STILTED, 3), QUICK, 7, other=side("b", PLAIN, 4))
    assert set(other.pairs) == {"synthetic", "half", "other"}
    assert utterance_auc(other, "synthetic").low > 0.98
    assert utterance_auc(other, "half").value < 0.65
    assert "utterance_auc" in [check.name for check in other.failed]
    assert len(other.examples) == 10
    assert len({one.session for one in other.examples}) == 10
    telling = {"furthermore", "delve", "tapestry", "validate"}
    assert all(telling & set(" ".join(one.words).split()) for one in other.examples)
    assert [one.score for one in other.examples] == sorted(
        (one.score for one in other.examples), reverse=True
    )


@pytest.mark.slow
def test_the_same_seed_gives_the_same_comparison_and_figures(tmp_path: Path) -> None:
    sides = side("real", PLAIN, 1), side("llm", STILTED, 3)
    one, two = (compare(*sides, QUICK, 7) for _ in range(2))
    assert one == two
    for name in ("one", "two"):
        draw_figures(one, tmp_path / name)
    drawn = sorted((tmp_path / "one").iterdir())
    assert {path.name for path in drawn} == {
        f"{name}.{kind}"
        for name in ("telling", "distance", "variety", "behaviour", "copying")
        for kind in ("svg", "png")
    }
    assert all(path.read_bytes() == (tmp_path / "two" / path.name).read_bytes() for path in drawn)


def test_text_of_a_side_known_to_be_real_is_not_shown() -> None:
    found = compare(side("a", PLAIN, 1), side("b", STILTED, 3, is_real=True), QUICK, 7)
    assert found.examples
    assert not any(one.text or one.words for one in found.examples)


def test_folds_hold_whole_groups() -> None:
    """Texts that only share words within their group cannot be told by them."""
    rng = np.random.default_rng(0)

    def own(offset: int) -> Texts:
        texts = [
            f"g{offset + g} " * 3 + str(rng.choice(PLAIN)) for g in range(20) for _ in range(9)
        ]
        at = np.repeat(np.arange(20), 9)
        return Texts(tuple(texts), at, at)

    told = tell_apart(own(0), own(100), 7)
    assert told is not None
    assert told.auc.value < 0.7


def test_one_group_cannot_be_tested() -> None:
    lone = Texts(("a b", "c d"), np.zeros(2, int), np.zeros(2, int))
    assert tell_apart(lone, lone, 7) is None
    assert halves(Side("one", (talk(0, ["a", "b"]), talk(1, ["c", "d"])), 2), 7) is None


def test_halves_share_no_group() -> None:
    one, other = halves(side("real", PLAIN, 1), 7) or pytest.fail("no halves")
    assert not {talk.group for talk in one.talks} & {talk.group for talk in other.talks}
    assert abs(len(one.talks) - len(other.talks)) <= 2


def test_what_was_copied_is_found_word_for_word() -> None:
    source = "I kept thinking about the boat that we sold in the autumn of that year"
    made = [
        talk(0, ["Oh, I kept thinking about the boat that we sold, you know."]),
        talk(1, ["Nothing of the kind was ever said by me in that boat."]),
    ]
    found, passages = Source([talk(9, [source])]).copied_by(made)
    assert found.longest == passages[0].words == 9
    assert (found.sessions, passages[1].words) == (1, 0)
    assert found.share == pytest.approx(2 / 10)


def test_canaries_are_found_whatever_the_marks(tmp_path: Path) -> None:
    made = [talk(0, ["And then: the heron wears SEVEN hats. Really."])]
    assert canaries_in(made, ["The heron wears seven hats!", "no such thing"]) == (
        "The heron wears seven hats!",
    )
    path = tmp_path / "canaries.txt"
    path.write_text("The heron wears seven hats!\n\nno such thing\n")
    assert read_canaries(path) == ("The heron wears seven hats!", "no such thing")
    found = compare(
        side("real", PLAIN, 1),
        Side("made", (*side("made", PLAIN, 2).talks, *made), 25),
        QUICK,
        7,
        canaries=read_canaries(path),
    )
    assert (found.canaries_planted, found.canaries_found) == (2, 1)
    assert [check.name for check in found.failed] == ["canaries"]


def test_thresholds_can_be_moved_taken_away_and_not_misspelt() -> None:
    ours = thresholds({})
    assert all(one.because for one in ours.values())
    changed = thresholds({"mmd2": 0.5, "mauve": None})
    assert changed["mmd2"].limit == 0.5
    assert "mauve" not in changed
    with pytest.raises(ConfigError, match="no such threshold"):
        thresholds({"mvae": 1})


def test_too_little_is_refused() -> None:
    with pytest.raises(CompareError, match="too little"):
        compare(side("real", PLAIN, 1), side("few", PLAIN, 2, sessions=2), QUICK, 7)


@pytest.fixture
def filled(run: RunFolder) -> RunFolder:
    write_nouns(run.quarantine, [record(n) for n in range(12)])
    sign_off(run, "A Reader")
    write_nouns(run.synthetic, (record(n, origin=Origin.SYNTHETIC) for n in range(100, 112)))
    return run


def test_a_run_compares_its_own_records(filled: RunFolder) -> None:
    settings = Settings(name="test", corpus=CorpusSettings(compare=QUICK))
    found = compare_run(settings, filled)
    assert found is not None
    assert read_comparison(filled) == found
    assert (filled.comparison_figures / "telling.svg").is_file()
    filled.synthetic.unlink()
    assert compare_run(settings, filled) is None


def test_every_kind_of_file_is_read_as_a_side(filled: RunFolder, tmp_path: Path) -> None:
    said = [{"speaker": speaker, "text": text} for speaker, text in TALK]
    chat = tmp_path / "chat.jsonl"
    chat.write_text("\n".join(json.dumps({"turns": said}) for _ in range(3)))
    assert len(read_side(chat, "real", 100, 7).talks) == 3
    assert len(read_side(chat, "real", 2, 7).talks) == 2
    assert read_side(chat, "real", 2, 7).found == 3
    real = read_side(filled.real, "real", 100, 7)
    assert len(real.talks) == 12
    assert all(talk.is_real for talk in real.talks)
    assert not any(t.is_real for t in read_side(filled.synthetic, "synthetic", 100, 7).talks)


def test_the_verb_ends_with_3_where_a_threshold_is_not_met(
    filled: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["corpus", "compare", str(filled.real), str(filled.synthetic)]
    ended = command_line([*arguments, "--to", str(tmp_path / "out"), "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert ended == (0 if shown["passed"] else 3)
    assert shown["failed"]
    assert len(shown["figures"]) == 5
    assert json.loads((tmp_path / "out" / "compare.json").read_text())["pairs"] == shown["pairs"]


@pytest.mark.parametrize("where", ["REAL", "SYNTHETIC", "--other", "--canaries"])
def test_a_path_that_is_not_there_is_bad_usage(
    filled: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    given = {"REAL": str(filled.real), "SYNTHETIC": str(filled.synthetic), where: "nowhere"}
    asked = [given["REAL"], given["SYNTHETIC"], "--to", str(tmp_path / "out"), "--json"]
    asked += [where, "nowhere"] if where.startswith("--") else []
    assert command_line(["corpus", "compare", *asked]) == ExitCode.USAGE
    assert json.loads(capsys.readouterr().out)["error"]["where"] == f"{where}: nowhere"
    assert not (tmp_path / "out").exists()


def test_the_terminal_names_what_is_not_met_and_why(
    filled: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["corpus", "compare", str(filled.real), str(filled.synthetic)]
    asked += ["--to", str(tmp_path / "out")]
    ended = command_line([*asked, "--json"])
    failed = json.loads(capsys.readouterr().out)["failed"]
    assert command_line(asked) == ended == 3
    out = " ".join(capsys.readouterr().out.split())
    assert f"ends with exit code 3: {', '.join(failed)}." in out
    limits = thresholds({})
    assert all(f"✗ {limits[name].label}: {name} " in out for name in failed)
    assert all(" ".join(limits[name].because.split()) in out for name in failed)


@pytest.mark.slow
def test_published_corpora_lie_where_they_are_known_to(real_data: Path) -> None:
    annomi = read_side(real_data / "annomi" / "annomi-dev.csv", "real", 1000, 7)
    esconv = read_side(real_data / "esconv" / "esconv-dev.json", "synthetic", 1000, 7)
    found = compare(annomi, esconv, CompareSettings(permutations=100), 7)
    half, other = found.pairs["half"], found.pairs["synthetic"]
    assert utterance_auc(found, "half").low < 0.5 < utterance_auc(found, "half").high
    assert utterance_auc(found, "synthetic").value == pytest.approx(0.97, abs=0.02)
    assert half.mmd2.p > 0.05 > other.mmd2.p
    assert half.mauve > 0.8 > 0.6 > other.mauve
    assert found.passed, found.failed
