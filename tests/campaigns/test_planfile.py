"""A plan's lines: what they say without being parsed, and what they take."""

from __future__ import annotations

import tracemalloc

import orjson

from campaigns.coverage import placed
from campaigns.planfile import line_of, lines_of, name_of
from domain.base import canonical_json
from tests.support.cast import an_item


def test_a_line_is_canonical_and_names_its_session() -> None:
    item = an_item()
    assert line_of(item) == canonical_json(item)
    assert name_of(line_of(item)) == item.session_id


def test_a_plan_takes_the_room_of_its_lines() -> None:
    items = [an_item(index) for index in range(200)]
    tracemalloc.start()
    try:
        plan = lines_of(items)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 1.5 * sum(map(len, plan.lines))


def test_a_cell_is_read_where_the_line_says_it_and_nowhere_else() -> None:
    item = an_item()
    line = line_of(item)
    told = orjson.loads(line)
    (one,) = placed([line])
    assert one.session == item.session_id
    assert one.cell.problem in line.decode()
    assert f'"problem":"{one.cell.problem}"' in line.decode()
    assert told["scenario"]["technique"] == one.cell.technique


def test_quotation_marks_within_a_text_end_it_not() -> None:
    whole = {"problem": 'he said "no\\"', "style": "a", "text": '"technique":"not this"'}
    line = orjson.dumps(whole | {"technique": "or this"}, option=orjson.OPT_SORT_KEYS)
    cell = placed([line])[0].cell
    assert cell.problem == orjson.dumps(whole["problem"])[1:-1].decode()
    assert cell.style == "a"
    assert cell.technique == "or this"
