"""Why two films are near: the share of each word in their score.

A recipe is linear between its tokens and its vector: the pooled vector is a weighted sum of
the tokens' hidden layers, centring and matrices act on each token alone, and TF-IDF and genres
are sums by themselves. So a cosine is exactly a sum over pairs of words, and what one word
adds, together with all words of the other side, is its share; either side's shares add up to
the score.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from recommender.errors import RecommenderError
from recommender.index import Index
from recommender.parts import Mean, Source, Words
from recommender.recipes import Recipe
from recommender.storage.feature_store import FeatureReader, overview_digest
from recommender.storage.shards import MovieFeatures

Span = Tuple[int, int]  # where a word begins and ends in the overview


class Share(NamedTuple):
    """What a word, or a genre, adds to the score.

    `of` is "overview", "title" or "genres", and "marks" for [CLS] and [SEP], which BERT puts
    around every text; `start` and `end` are characters of the overview or title, else 0.
    """

    of: str
    word: str
    start: int
    end: int
    share: float

    def to_dict(self) -> Dict[str, Any]:
        """The share as JSON shows it; rounded so little that sums stay."""
        return {**self._asdict(), "share": round(self.share, 9)}


class Explanation(NamedTuple):
    """`score` is the cosine; the shares of `asked`, and those of `found`, add up to it."""

    score: float
    asked: List[Share]
    found: List[Share]


class Why(NamedTuple):
    """An explanation by several wishes: the shares of each, weighted, and those of the film found.

    `score` is the cosine; what all wishes share, and what the film found does, add up to it.
    """

    score: float
    asked: List[List[Share]]
    found: List[Share]

    def to_dict(self) -> Dict[str, Any]:
        """The field `why` of `recommend.py --json` and of the server."""
        return {"asked": [[share.to_dict() for share in shares] for shares in self.asked],
                "found": [share.to_dict() for share in self.found]}


def explain_all(index: Index, weights: Sequence[float],
                asked: Sequence[Tuple[Source, Sequence[Span]]], found: Source,
                found_spans: Sequence[Span] = ()) -> Why:
    """`explain` where several films and texts are asked for, each at its weight."""
    told = [explain(index, source, found, spans, found_spans) for source, spans in asked]
    weighted = [_scaled(one.asked, weight) for one, weight in zip(told, weights)]
    # The words of the film found are the same ones in each, in the same order.
    of_found = zip(*(_scaled(one.found, weight) for one, weight in zip(told, weights)))
    return Why(sum(weight * one.score for one, weight in zip(told, weights)), weighted,
               [shares[0]._replace(share=sum(share.share for share in shares))
                for shares in of_found])


def explain(index: Index, asked: Source, found: Source, asked_spans: Sequence[Span] = (),
            found_spans: Sequence[Span] = ()) -> Explanation:
    """The shares of the words of a film or text, `asked`, and of a film, `found`.

    Spans give the word that each token belongs to, as `WordPieces.word_spans` does, (0, 0) for
    [CLS] and [SEP]; a recipe without BERT needs neither them nor hidden layers. Raises
    RecommenderError if they are not as many as the tokens.
    """
    recipe = index.fitted_recipe()
    ours, theirs = recipe.blocks(asked), recipe.blocks(found)
    return Explanation(sum(float(a @ b) for a, b in zip(ours, theirs)),
                       _shares(recipe, asked, asked_spans, ours, theirs),
                       _shares(recipe, found, found_spans, theirs, ours))


def sources(index: Index, rows: Sequence[int], reader: Optional[FeatureReader]) -> List[Source]:
    """What the recipe saw of some rows; `reader` may be None for a recipe without BERT.

    Raises RecommenderError where the features of one were not kept token by token.
    """
    if not index.recipe.parts:
        raise RecommenderError("{} holds embeddings that were given: nothing is known of their "
                               "words".format(index.path))
    movies = [index.movie(row) for row in rows]
    kept: Dict[int, MovieFeatures] = {}
    if index.recipe.uses_bert:
        if reader is None or reader.settings != index.features:
            raise RecommenderError("a word's share needs the features that {} was made of: name "
                                   "their folder with --features".format(index.path))
        if reader.settings.pooled:
            raise RecommenderError("{} keeps only the mean of each film, in which no word can be "
                                   "told from another: extract features without "
                                   "--pooled".format(reader.folder))
        kept = reader.some([movie["id"] for movie in movies])
    found = []
    for movie in movies:
        source = Source(movie["overview"], title=movie["title"], genres=tuple(movie["genres"]))
        if index.recipe.uses_bert:
            features = kept.get(movie["id"])
            if features is None or features.digest != overview_digest(movie["overview"]):
                raise RecommenderError("{} no longer holds the features that {} was made of for "
                                       "movie {}: run extract_features.py and build_index.py "
                                       "again".format(reader.folder, index.path, movie["id"]))
            source = source._replace(layers=features.layers, token_ids=features.token_ids)
        found.append(source)
    return found


def _scaled(shares: Sequence[Share], weight: float) -> List[Share]:
    return [share._replace(share=weight * share.share) for share in shares]


def _shares(recipe: Recipe, source: Source, spans: Sequence[Span], ours: Sequence[np.ndarray],
            theirs: Sequence[np.ndarray]) -> List[Share]:
    """The shares of one side: the words in the order of its overview, then title and genres."""
    word_at = {at: span for span in spans for at in range(*span)}
    overview: Dict[Span, float] = {}
    rest: List[Share] = []
    for (_, part), our, their in zip(recipe.parts, ours, theirs):
        raw = part.embed(source)
        scale = np.linalg.norm(our) / (np.linalg.norm(raw) or 1.0)
        if isinstance(part, Mean):
            if len(spans) != len(source.token_ids):
                raise RecommenderError("the checkpoint's vocabulary makes {} word pieces of a text "
                                       "whose features have {}: name the checkpoint that made "
                                       "them".format(len(spans), len(source.token_ids)))
            for span, share in zip(spans, part.token_vectors(source) @ their):
                overview[span] = overview.get(span, 0.0) + scale * float(share)
        elif isinstance(part, Words):
            for of, span, place, n in part.occurrences(source):
                share = scale * float(raw[place] * their[place]) / n
                if of == "title":
                    rest.append(Share(of, source.title[slice(*span)], *span, share))
                else:
                    span = word_at.get(span[0], span)
                    overview[span] = overview.get(span, 0.0) + share
        else:
            rest += [Share("genres", genre, 0, 0, scale * float(share)) for genre, share in zip(
                part.arrays["genres"], raw * their) if genre in source.genres]
    marks = [Share("marks", "", 0, 0, overview.pop((0, 0)))] if (0, 0) in overview else []
    return [Share("overview", source.overview[slice(*span)], *span, share)
            for span, share in sorted(overview.items())
            ] + sorted(rest, key=lambda share: share.of == "genres") + marks
