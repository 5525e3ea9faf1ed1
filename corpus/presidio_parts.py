"""What we add to Presidio: an NLP engine without a model, and our recognisers as one of its own.

Importing this loads presidio-analyzer and spaCy; `corpus.presidio` does so when they are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import spacy
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine, SpacyNlpEngine

from corpus.recognisers import findings, recognisers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LANGUAGE = "en"


class PlainEngine(NlpEngine):
    """Cuts a text into words for the context that Presidio looks for, and knows no names."""

    def __init__(self) -> None:
        self._nlp = spacy.blank(LANGUAGE)

    def load(self) -> None:
        """Do nothing: there is no model."""

    def is_loaded(self) -> bool:
        """Say that all is there."""
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Return the words of `text`, in small letters for lemmas, and no entities."""
        doc = self._nlp(text)
        starts, lemmas = [token.idx for token in doc], [token.lower_ for token in doc]
        return NlpArtifacts([], doc, starts, lemmas, self, language)

    def process_batch(
        self,
        texts: Iterable[str],
        language: str,
        batch_size: int = 1,
        n_process: int = 1,
        **kwargs: Any,  # noqa: ANN401 - presidio's signature
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        """Yield each text with its words."""
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word: str, language: str) -> bool:
        """Tell a word of no content."""
        return bool(self._nlp.vocab[word].is_stop)

    def is_punct(self, word: str, language: str) -> bool:
        """Tell a mark."""
        return bool(self._nlp.vocab[word].is_punct)

    def get_supported_entities(self) -> list[str]:
        """Return no entities: there is no model."""
        return []

    def get_supported_languages(self) -> list[str]:
        """Return English."""
        return [LANGUAGE]


class OwnRecogniser(EntityRecognizer):
    """The recognisers of recognisers.yaml, for Presidio; entities are our classes."""

    def __init__(self) -> None:
        kinds = [one.kind for one in recognisers()]
        super().__init__(supported_entities=kinds, name="Rehearsal", supported_language=LANGUAGE)

    def load(self) -> None:
        """Do nothing: patterns are compiled when they are first used."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Return what our patterns find; a find has passed its check, so its score is 1."""
        return [
            RecognizerResult(one.kind, one.start, one.end, 1.0)
            for one in findings(text)
            if one.kind in entities
        ]


def model_engine(name: str) -> NlpEngine:
    """Return Presidio's engine over a spaCy pipeline that is on this machine."""
    engine = SpacyNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": name}])
    engine.load()
    return engine


def is_installed(name: str) -> bool:
    """Tell whether spaCy knows a package of this name."""
    return bool(spacy.util.is_package(name))
