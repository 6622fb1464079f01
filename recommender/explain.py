"""Explain a score: the share of each word in the cosine of two films.

Every recipe is linear in its tokens: the pooled vector is a weighted sum of the tokens' hidden
layers, centring and matrices act on each token separately, and TF-IDF and genres are sums
already. So a cosine is exactly a sum over pairs of words. The share of a word is the sum of its
pairs with all words of the other film; the shares of either film add up to the score.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.errors import RecommenderError
from recommender.index import Index
from recommender.parts import Mean
from recommender.recipes import Recipe
from recommender.source import Source
from recommender.spaces import EmbeddingSpace
from recommender.storage.feature_store import FeatureReader, overview_digest
from recommender.storage.shards import MovieFeatures
from recommender.text_words import Words

Span = Tuple[int, int]  # begin and end of a word in the overview, in characters


class Share(NamedTuple):
    """The share of a word, or of a genre, in the score.

    `of` is "overview", "title" or "genres", or "marks" for [CLS] and [SEP], which BERT puts
    around every text. `start` and `end` are its characters in the overview or title, else 0.
    """

    of: str
    word: str
    start: int
    end: int
    share: float

    def to_dict(self) -> Dict[str, Any]:
        """Return the share for JSON, rounded to 9 digits, so that sums are kept."""
        return {**self._asdict(), "share": round(self.share, 9)}


class Explanation(NamedTuple):
    """A cosine, `score`, and the shares of each side, which add up to it."""

    score: float
    asked: List[Share]
    found: List[Share]


class Why(NamedTuple):
    """An explanation for several wishes: the weighted shares of each, and those of the film found.

    The shares of all wishes together, and those of the film found, add up to the cosine, `score`.
    """

    score: float
    asked: List[List[Share]]
    found: List[Share]

    def to_dict(self) -> Dict[str, Any]:
        """Return the field `why` of `recommend.py --json` and of the server."""
        return {"asked": [[share.to_dict() for share in shares] for shares in self.asked],
                "found": [share.to_dict() for share in self.found]}


def explain_all(space: EmbeddingSpace, weights: Sequence[float],
                asked: Sequence[Tuple[Source, Sequence[Span]]], found: Source,
                found_spans: Sequence[Span] = ()) -> Why:
    """Explain the score of a film by several wishes.

    Parameters
    ----------
    space : EmbeddingSpace
    weights : sequence of float
        Weight of each wish in the query vector.
    asked : sequence of (Source, sequence of Span)
        The wishes, with the word of each of their tokens.
    found : Source
        The film found.
    found_spans : sequence of Span
        The word of each of its tokens.
    """
    told = [explain(space, source, found, spans, found_spans) for source, spans in asked]
    weighted = [_scaled(one.asked, weight) for one, weight in zip(told, weights)]
    # Each explanation has the words of the film found in the same order.
    of_found = zip(*(_scaled(one.found, weight) for one, weight in zip(told, weights)))
    return Why(sum(weight * one.score for one, weight in zip(told, weights)), weighted,
               [shares[0]._replace(share=sum(share.share for share in shares))
                for shares in of_found])


def explain(space: EmbeddingSpace, asked: Source, found: Source, asked_spans: Sequence[Span] = (),
            found_spans: Sequence[Span] = ()) -> Explanation:
    """Return the shares of the words of a film or text, `asked`, and of a film, `found`.

    Spans give the word that each token belongs to, as `WordPieces.word_spans` returns them,
    (0, 0) for [CLS] and [SEP]; a recipe without BERT needs neither them nor hidden layers.
    Raises RecommenderError if there are not as many spans as tokens.
    """
    recipe = space.fitted_recipe()
    ours, theirs = recipe.blocks(asked), recipe.row_blocks(found)
    ours = [np.pad(our, (0, len(their) - len(our)), "constant")  # a film has no values of a text
            for our, their in zip(ours, theirs)]
    return Explanation(sum(float(a @ b) for a, b in zip(ours, theirs)),
                       _shares(recipe, asked, asked_spans, ours, theirs),
                       _shares(recipe, found, found_spans, theirs, ours))


def sources(index: Index, space: EmbeddingSpace, rows: Sequence[int],
            reader: Optional[FeatureReader]) -> List[Source]:
    """Return some films as the recipe of `space` saw them; one without BERT needs no `reader`.

    Raises RecommenderError where the features of one were not kept token by token.
    """
    if not space.recipe.parts:
        raise RecommenderError("{} holds embeddings that were given: nothing is known of their "
                               "words".format(index.path))
    movies = [index.movie(row) for row in rows]
    kept: Dict[int, MovieFeatures] = {}
    if space.recipe.uses_bert:
        if reader is None or reader.settings != index.features:
            raise RecommenderError("an explanation needs the features that {} was built from: name "
                                   "their folder with --features".format(index.path))
        if reader.settings.pooled:
            raise RecommenderError("an explanation needs full features, and {} keeps only means, "
                                   "without single words: extract features without --pooled and "
                                   "build the index from them".format(reader.folder))
        kept = reader.some([movie["id"] for movie in movies])
    found = []
    for movie in movies:
        source = Source(movie["overview"], title=movie["title"], genres=tuple(movie["genres"]))
        if space.recipe.uses_bert:
            features = kept.get(movie["id"])
            if features is None or features.digest != overview_digest(movie["overview"]):
                raise RecommenderError("the features that {} was made of are no longer there for "
                                       "movie {}: run extract_features.py and build_index.py "
                                       "again".format(index.path, movie["id"]))
            source = source._replace(layers=features.layers, token_ids=features.token_ids)
        found.append(source)
    return found


def _by_word(products: np.ndarray, width: int) -> np.ndarray:
    """Return the products of films' values, and those of values for texts, as a sum for each of
    `width` words."""
    return products[:width] + products[width:] if len(products) > width else products


def _scaled(shares: Sequence[Share], weight: float) -> List[Share]:
    """Return the shares multiplied by `weight`."""
    return [share._replace(share=weight * share.share) for share in shares]


def _shares(recipe: Recipe, source: Source, spans: Sequence[Span], ours: Sequence[np.ndarray],
            theirs: Sequence[np.ndarray]) -> List[Share]:
    """Return the shares of one side: its words in order, then title, genres and marks.

    `ours` and `theirs` are the blocks of the vectors of this side and of the other.
    """
    word_at = {at: span for span in spans for at in range(*span)}
    overview: Dict[Span, float] = {}
    rest: List[Share] = []
    for (_, part), our, their in zip(recipe.parts, ours, theirs):
        if isinstance(part, Words):
            products = _by_word(our * their, len(part.arrays["idf"]))
            for of, span, place, n in part.occurrences(source):
                share = float(products[place]) / n
                if of == "title":
                    rest.append(Share(of, source.title[slice(*span)], *span, share))
                else:
                    span = word_at.get(span[0], span)
                    overview[span] = overview.get(span, 0.0) + share
            continue
        raw = part.embed(source)
        scale = np.linalg.norm(our) / (np.linalg.norm(raw) or 1.0)
        if isinstance(part, Mean):
            n_tokens = 0 if source.token_ids is None else len(source.token_ids)
            if len(spans) != n_tokens:
                raise RecommenderError("the checkpoint's vocabulary makes {} word pieces of a text "
                                       "whose features have {}: name the checkpoint that made "
                                       "them with --bert_dir".format(len(spans), n_tokens))
            for span, share in zip(spans, part.token_vectors(source) @ their):
                overview[span] = overview.get(span, 0.0) + scale * float(share)
        else:
            rest += [Share("genres", genre, 0, 0, scale * float(share)) for genre, share in zip(
                part.arrays["genres"], raw * their) if genre in source.genres]
    marks = [Share("marks", "", 0, 0, overview.pop((0, 0)))] if (0, 0) in overview else []
    return [Share("overview", source.overview[slice(*span)], *span, share)
            for span, share in sorted(overview.items())
            ] + sorted(rest, key=lambda share: share.of == "genres") + marks
