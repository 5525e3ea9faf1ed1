"""LangGraph's own tools read langgraph.json: every entry there must open."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).resolve().parents[2] / "langgraph.json"
GRAPHS: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))["graphs"]


def load(entry: str) -> Any:  # noqa: ANN401 - a compiled graph of any state
    """Load an entry as LangGraph's server does: the file by its path, then the factory."""
    path, _, name = entry.partition(":")
    spec = importlib.util.spec_from_file_location(f"opened_{name}", FILE.parent / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)()


def test_every_graph_is_listed() -> None:
    assert set(GRAPHS) == {"session", "refine", "judging", "casting"}


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_an_entry_opens(name: str) -> None:
    graph = load(GRAPHS[name])
    assert graph.name == name
    assert graph.get_graph(xray=True).draw_mermaid().startswith("---")
    for schema in (graph.get_input_jsonschema(), graph.get_context_jsonschema()):
        assert schema["properties"]


def test_the_picture_of_refining_shows_every_route() -> None:
    drawn = load(GRAPHS["refine"]).get_graph()
    assert {(edge.source, edge.target, edge.conditional) for edge in drawn.edges} == {
        ("__start__", "play", False),
        ("play", "criticise", True),
        ("play", "conclude", True),
        ("criticise", "rewind", True),
        ("criticise", "conclude", True),
        ("rewind", "play", False),
        ("conclude", "__end__", False),
    }
