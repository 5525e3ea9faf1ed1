"""Presidio with a configuration of ours: it runs our recognisers beside its own, without a model.

Its own find national numbers by check digits and formats that ours do not know; ours find what it
misses (docs/corpus.md has the figures). All of its own look for numbers of some length, so a text
without one is given to ours alone: the outcome is the same, and nearly all the time is saved. With
a spaCy model of the user's every text goes through it.

Nothing is downloaded: a model that is not there is refused, and recognisers that fetch a public
suffix list are left out. spaCy would load torch and transformers, which screening has no use for
and which take longer than all else, so they are kept out of its import.
"""

from __future__ import annotations

import logging
import re
import sys
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.data.files import load_yaml
from corpus.recognisers import Finding, findings, recognisers
from domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngine

_NUMBER = re.compile(
    r"(?:\d\W{0,2}){5}|\b(?=(?:\w*\d){4})\w{6,}|(?:[0-9a-f]{2}[:-]){3}", re.IGNORECASE
)
"""Five figures in a row, marks between them allowed; a word of six signs with four; hex pairs."""
_LANGUAGE = "en"
_HEAVY = ("torch", "transformers")
_LOGGER = "presidio-analyzer"
"""Its debugging messages hold words of the text, identifiers among them: they are switched off."""


@lru_cache(maxsize=2)
def analyzer(spacy_model: str | None = None) -> AnalyzerEngine:
    """Return Presidio's engine over our recognisers and those of its own that presidio.yaml names.

    Raises:
        ConfigError: `spacy_model` is not installed, and is no folder of a pipeline.
    """
    with _light(allowed=spacy_model is not None):
        import presidio_analyzer as presidio
        from presidio_analyzer import predefined_recognizers as theirs

        from corpus.presidio_parts import OwnRecogniser
    logging.getLogger(_LOGGER).setLevel(logging.WARNING)
    chosen = [
        getattr(theirs, entry["name"])(supported_language=_LANGUAGE)
        for entry in load_yaml("presidio")["recognisers"]
    ]
    if spacy_model is not None:
        chosen.append(theirs.SpacyRecognizer(supported_language=_LANGUAGE))
    registry = presidio.RecognizerRegistry(
        recognizers=[OwnRecogniser(), *chosen], supported_languages=[_LANGUAGE]
    )
    return presidio.AnalyzerEngine(
        registry=registry, nlp_engine=_engine(spacy_model), supported_languages=[_LANGUAGE]
    )


def analysed(texts: Sequence[str], spacy_model: str | None = None) -> list[list[Finding]]:
    """Return what Presidio and our recognisers find, text by text: ours first, with overlaps.

    Raises:
        ConfigError: There is no such spaCy model.
    """
    if spacy_model is None:
        return [found_in(text) if has_digits(text) else list(findings(text)) for text in texts]
    engine = analyzer(spacy_model)
    read = engine.nlp_engine.process_batch(list(texts), _LANGUAGE, batch_size=64)
    return [_found(engine, text, artifacts) for text, artifacts in read]


def has_digits(text: str) -> bool:
    """Tell a text in which Presidio's own recognisers could find anything."""
    return _NUMBER.search(text) is not None


def found_in(text: str) -> list[Finding]:
    """Return what Presidio finds in one text without a model, our recognisers among its own."""
    return _found(analyzer(), text)


def _found(engine: AnalyzerEngine, text: str, artifacts: Any = None) -> list[Finding]:  # noqa: ANN401 - presidio ships no types
    results = engine.analyze(
        text, _LANGUAGE, nlp_artifacts=artifacts, score_threshold=load_yaml("presidio")["threshold"]
    )
    classes, rank = _classes(), _rank()
    order = sorted(
        results, key=lambda one: (rank.get(one.entity_type, len(rank)), -one.score, one.start)
    )
    return [
        Finding(classes.get(one.entity_type, one.entity_type), one.start, one.end)
        for one in order
        if one.entity_type in classes or one.entity_type in rank
    ]


@lru_cache(maxsize=1)
def _rank() -> dict[str, int]:
    """Return our classes, each with its place in the list."""
    return {one.kind: place for place, one in enumerate(recognisers())}


@lru_cache(maxsize=1)
def _classes() -> dict[str, str]:
    """Return the class of ours for each entity of Presidio's own recognisers."""
    from presidio_analyzer import predefined_recognizers as theirs

    data = load_yaml("presidio")
    found: dict[str, str] = dict(data["model"])
    for entry in data["recognisers"]:
        made = getattr(theirs, entry["name"])(supported_language=_LANGUAGE)
        found.update(dict.fromkeys(made.supported_entities, entry["class"]))
    return found


def _engine(spacy_model: str | None) -> NlpEngine:
    from corpus.presidio_parts import PlainEngine, is_installed, model_engine

    if spacy_model is None:
        return PlainEngine()
    if not (is_installed(spacy_model) or Path(spacy_model).is_dir()):
        raise ConfigError(
            "there is no such spaCy model on this machine",
            where="corpus.spacy_model",
            expected="an installed package such as en_core_web_sm, or a pipeline's folder",
            got=spacy_model,
            mend="Install it, or leave the key out: screening needs no model.",
        )
    return model_engine(spacy_model)


@contextmanager
def _light(*, allowed: bool) -> Iterator[None]:
    """Hide torch and transformers from what is imported in the block, unless they are there."""
    hidden = [] if allowed else [name for name in _HEAVY if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
