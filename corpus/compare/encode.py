"""Texts as vectors: TF-IDF always, a sentence encoder where there is one on this machine.

Nothing is fetched: a model is a folder here, or it is not used.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from domain.errors import CompareError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TFIDF = "tfidf-svd"
DIMENSIONS = 100
"""Dimensions of latent semantic analysis; 50 to 300 are usual (Deerwester et al., 1990)."""
WORDS = r"[\w']+|\?"
"""A question mark is a word: who asks is half of what a therapist does."""
_BATCH, _LONGEST = 64, 256


class Encoder(Protocol):
    """Turns texts into vectors of length 1."""

    name: str

    def encode(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return [texts, dimensions]."""
        ...

    def likeness(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the cosine between every two texts, [texts, texts]."""
        ...


class TfidfEncoder:
    """TF-IDF of words and pairs, folded by a truncated SVD that is fitted to `texts`."""

    name = TFIDF

    def __init__(self, texts: Sequence[str], seed: int) -> None:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectors = TfidfVectorizer(
            ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=WORDS, dtype=np.float32
        )
        try:
            found = self._vectors.fit_transform(texts)
        except ValueError as error:
            raise CompareError(
                "the texts have no words in common",
                expected="words that come up twice",
                got=f"{len(texts)} turns",
                mend="Compare larger sets of sessions.",
            ) from error
        size = max(1, min(DIMENSIONS, found.shape[1] - 1, found.shape[0] - 1))
        self._svd = TruncatedSVD(n_components=size, random_state=seed).fit(found)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return [texts, up to `DIMENSIONS`]."""
        return unit(self._svd.transform(self._vectors.transform(texts)))

    def likeness(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the cosine between every two texts, [texts, texts].

        Without the SVD: its few dimensions go to whatever repeats itself, and a side of templates
        would look the more varied one.
        """
        found = self._vectors.transform(texts)
        return np.asarray((found @ found.T).toarray(), dtype=np.float64)


class ModelEncoder:
    """A sentence encoder in a local folder: mean of the last hidden states over a text's tokens.

    That is how the models of sentence-transformers are read (Reimers and Gurevych, 2019). Weights
    come from safetensors only, and no code of the folder's is run.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel, AutoTokenizer

        self.name = folder.name
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True
        ).eval()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return [texts, hidden size]; each text is cut at `_LONGEST` tokens."""
        import torch

        made = []
        for start in range(0, len(texts), _BATCH):
            batch = self._tokenizer(
                list(texts[start : start + _BATCH]), padding=True, truncation=True,
                max_length=_LONGEST, return_tensors="pt",
            )  # fmt: skip
            with torch.inference_mode():
                hidden = self._model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            made.append(((hidden * mask).sum(1) / mask.sum(1)).double().numpy())
        return unit(np.concatenate(made))

    def likeness(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the cosine between every two texts, [texts, texts]."""
        vectors = self.encode(texts)
        return np.asarray(vectors @ vectors.T, dtype=np.float64)


def encoder_of(asked: str | None, texts: Sequence[str], seed: int) -> Encoder:
    """Return the encoder asked for: a folder, a package that holds one, or TF-IDF for None.

    Raises:
        CompareError: What was asked for is not here, or cannot be read.
    """
    if asked is None:
        return TfidfEncoder(texts, seed)
    folder = _folder(asked)
    try:
        return ModelEncoder(folder)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise CompareError(
            "the sentence encoder cannot be read",
            where=str(folder),
            expected="a model of transformers with its tokenizer and model.safetensors",
            got=str(error).splitlines()[0][:200],
            mend="Name another folder, or leave corpus.compare.encoder out: TF-IDF always works.",
        ) from error


def _folder(asked: str) -> Path:
    """Return the folder with config.json: the one named, or the only one within the package."""
    path = Path(asked)
    if path.is_dir():
        return path
    spec = importlib.util.find_spec(asked) if asked.isidentifier() else None
    for root in (spec.submodule_search_locations or ()) if spec else ():
        configs = sorted(Path(root).rglob("config.json"), key=lambda one: len(one.parts))
        if configs:
            return configs[0].parent
    raise CompareError(
        "there is no such sentence encoder here",
        where="corpus.compare.encoder",
        expected="a folder with a model of transformers, or an installed package that holds one",
        got=asked,
        mend="Leave it out: TF-IDF always works.",
    )


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale each row to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float64)
