"""Build an index: choose the films, embed them by recipes, write the file.

The file's layout is that of `recommender.index`, which reads it.
"""

import datetime
import hashlib
import json
import os
import time
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import h5py
import numpy as np

from recommender.ann_building import write_ann
from recommender.candidates import Candidates
from recommender.catalogue import Catalogue, films_at
from recommender.columns import weighted_ratings, write_columns, write_left_out, write_twins
from recommender.errors import RecommenderError
from recommender.film_map import place_films
from recommender.halves import HALF_VERSION, stored_as
from recommender.index import FORMAT_VERSION, PACKED_VERSION
from recommender.movie import Movie
from recommender.neighbours import nearest_films, share_found
from recommender.progress import Progress, each, silent
from recommender.recipes import DEFAULT_RECIPES, Recipe, make_recipe, write_recipes
from recommender.regions import Regions, write_regions
from recommender.scale import Scale, sample, scale_of, scales_of_texts, short_text
from recommender.source import Source
from recommender.spaces import GROUP, WORDS
from recommender.storage.companions import new_companions
from recommender.storage.feature_store import FeatureReader, overview_digest
from recommender.storage.files import new_file
from recommender.storage.hdf5 import NewFile
from recommender.storage.shards import MovieFeatures, Settings, write_settings
from recommender.title_tables import is_packed
from recommender.topics.topic_file import GROUP as TOPICS
from recommender.topics.topic_file import StoredTopics, write_tree
from recommender.topics.topic_regions import topic_regions
from recommender.topics.topic_tree import TopicTree
from recommender.words import SparseRows, joined_row

ReadTexts = Callable[[Sequence[str]], List[Source]]  # texts with their hidden layers


class BuildReport(NamedTuple):
    """The recipes of an index, and counts of its films and of those that it could not take.

    `not_made` are errors, by name, of recipes that nobody asked for and that these features
    cannot make.
    """

    recipes: Tuple[str, ...]
    not_made: Dict[str, str]
    n_movies: int
    without_features: int
    without_catalogue: int
    of_other_overviews: int


def build_index(catalogue: Catalogue, features: FeatureReader, output: str,
                recipes: Optional[Sequence[str]] = None,
                layers: Optional[Sequence[int]] = None,
                word_weight: Optional[float] = None, with_map: bool = False,
                n_neighbours: int = 0, read_texts: Optional[ReadTexts] = None,
                progress: Progress = silent, topics: Optional[StoredTopics] = None,
                ann: Optional[str] = None, dtype: str = "float32") -> BuildReport:
    """Embed every film by one or several recipes and write the index.

    Films whose features are of another overview than the catalogue's are left out and counted.
    Reads the features of one film at a time, and holds the vectors of one recipe at a time.

    Parameters
    ----------
    catalogue : Catalogue
    features : FeatureReader
    output : str
        Path of the index, replaced in one step at the end.
    recipes : sequence of str, optional
        Some of `recommender.recipes.RECIPES`; the first answers where no other is asked for. By
        default those of DEFAULT_RECIPES that the features can make.
    layers, word_weight
        As in `recommender.recipes.make_recipe`.
    with_map, n_neighbours
        As in `write_index`.
    read_texts : callable, optional
        Returns texts with their hidden layers, for the scale of scores of texts by recipes with
        BERT.
    progress : Progress
        Shows how far reading, comparing and the map are.
    topics, ann, dtype
        As in `write_index`.

    Returns
    -------
    BuildReport

    Raises
    ------
    RecommenderError
        If a recipe cannot use these features, no film has any, or those of a film hold NaN,
        infinity or only zeros.
    OSError
        If the index cannot be written.
    """
    refuse_folder(output)
    made, not_made = make_recipes(features.settings, recipes or DEFAULT_RECIPES,
                                  recipes is not None, layers, word_weight)
    kept, report = films_with_features(catalogue, features)
    movies = films_at(catalogue.movies, kept)

    rows = sample(len(movies)).tolist()
    texts = [Source(short_text(movies[row].overview)) for row in rows]
    read = read_texts([text.overview for text in texts]) if read_texts and any(
        recipe.uses_bert for recipe in made) else None

    def stream() -> Iterator[Tuple[int, MovieFeatures]]:
        return each(features_by_row(movies, features), progress, "reading features", len(movies))

    def fitted() -> Iterator[Fitted]:
        for recipe in made:
            vectors = recipe.fit(movies, stream)
            asked = read if recipe.uses_bert else texts
            scales = {} if asked is None or len(movies) < 2 else scales_of_texts(
                *vectors, map(recipe.embed, asked), rows)
            yield Fitted(recipe, *vectors, scales)

    write_index(output, catalogue, kept, fitted(), features.settings, with_map, n_neighbours,
                features.folder, progress, topics, ann=ann, dtype=dtype)
    return report._replace(recipes=tuple(recipe.name for recipe in made), not_made=not_made)


def make_recipes(settings: Settings, names: Sequence[str], all_needed: bool,
                 layers: Optional[Sequence[int]] = None, word_weight: Optional[float] = None
                 ) -> Tuple[List[Recipe], Dict[str, str]]:
    """Return the recipes to fit, and errors, by name, of those that features cannot make.

    Raises RecommenderError if one cannot be made and `all_needed`, or if none can.
    """
    made, not_made = [], {}
    for name in names:
        try:
            made.append(make_recipe(name, settings, layers, word_weight))
        except RecommenderError as error:
            if all_needed:
                raise
            not_made[name] = str(error)
    if not made:  # without a name nothing can be made: the first error says why
        raise RecommenderError("; ".join(not_made.values()))
    return made, not_made


def films_with_features(catalogue: Catalogue,
                        features: FeatureReader) -> Tuple[List[int], BuildReport]:
    """Return the places in the catalogue of films with features of their present overview.

    The report names no recipe yet. Raises RecommenderError if there is none.
    """
    digests = features.digests()
    kept, of_other_overviews = [], 0
    for place, movie in enumerate(catalogue.movies):
        if digests.get(movie.id) == overview_digest(movie.overview):
            kept.append(place)
        else:
            of_other_overviews += movie.id in digests
    if not kept:
        raise RecommenderError("{} and {} have no overview in common: extract the features of this "
                               "catalogue first".format(catalogue.path, features.folder))
    n_both = len(kept) + of_other_overviews
    return kept, BuildReport((), {}, len(kept), len(catalogue.movies) - n_both,
                             len(digests) - n_both, of_other_overviews)


def features_by_row(movies: Sequence[Movie],
                    features: FeatureReader) -> Iterator[Tuple[int, MovieFeatures]]:
    """Yield the features of `movies` in the order of the store, each with its place."""
    rows = {movie.id: row for row, movie in enumerate(movies)}
    for movie in features.movies(rows):
        yield rows[movie.movie_id], movie


class Mended(NamedTuple):
    """Parts of a recipe that an update keeps or mends instead of making them anew.

    Attributes
    ----------
    scales : dict of str to Scale
        All scales of scores, by name.
    neighbours : tuple of np.ndarray, optional
        Rows int32 and cosines float64, (n, k), of each film's nearest others.
    points : np.ndarray, optional
        float32 (n, 2): the films' places on the map.
    regions : Regions, optional
        The regions of the map; None to make them anew.
    mean : np.ndarray
        float64 (d,): the mean embedding of all films when the whole index was built.
    """

    scales: Mapping[str, Scale]
    neighbours: Optional[Tuple[np.ndarray, np.ndarray]]
    points: Optional[np.ndarray]
    regions: Optional[Regions]
    mean: np.ndarray


class Fitted(NamedTuple):
    """A fitted recipe with the vectors of n films.

    `embeddings` is float32 or float16 (n, d), of length 1 together with `words`, their sparse
    part, if any.
    `of_texts` are the scales of scores of texts, by name, where they are known.
    """

    recipe: Recipe
    embeddings: np.ndarray
    words: Optional[SparseRows]
    of_texts: Mapping[str, Scale] = {}
    mended: Optional[Mended] = None


def write_index(output: str, catalogue: Catalogue, kept: Sequence[int],
                fitted: Iterable[Fitted], settings: Settings, with_map: bool = False,
                n_neighbours: int = 0, features_folder: Optional[str] = None,
                progress: Progress = silent, topics: Optional[StoredTopics] = None,
                attributes: Optional[Mapping[str, Any]] = None,
                ann: Optional[str] = None, dtype: str = "float32") -> None:
    """Write an index, whole or not at all.

    Parameters
    ----------
    output : str
        Path of the index; its folder is made.
    catalogue : Catalogue
    kept : sequence of int
        Places in the catalogue of the n films.
    fitted : iterable of Fitted
        The recipes with the vectors of those films; asked for one after the other.
    settings : Settings
        Those of the features.
    with_map : bool
        Also place the films on the map; minutes for 45,000 films.
    n_neighbours : int
        Also store so many nearest others of each film; minutes for 45,000 films.
    features_folder : str, optional
        Folder of the features, which the index names for explanations.
    progress : Progress
        As in `build_index`.
    topics : StoredTopics, optional
        Topics to join; films that were not among them when they were found have none.
    attributes : dict, optional
        More root attributes.
    ann : str, optional
        Add approximate search of this kind, one of `recommender.ann.KINDS`, as a companion.
    dtype : str
        One of `recommender.halves.DTYPES`: that of the embeddings, from which all else is made.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    movies = films_at(catalogue.movies, kept)
    ratings = weighted_ratings(catalogue.movies)[kept]
    tree = topics.for_films([movie.id for movie in movies]) if topics is not None else None
    os.makedirs(os.path.dirname(os.path.abspath(output)), exist_ok=True)
    with new_companions(output) as beside, new_file(output) as part, NewFile(
            part, with_texts=True) as file:
        n_left_out = len(catalogue.without_overview) + len(catalogue.movies) - len(kept)
        file.attrs["format_version"] = HALF_VERSION if dtype == "float16" else (
            PACKED_VERSION if is_packed(max(len(kept), n_left_out)) else FORMAT_VERSION)
        file.attrs["catalogue"] = os.path.basename(catalogue.path)
        file.attrs["catalogue_sha256"] = catalogue.sha256
        write_settings(file, settings)
        if features_folder is not None:  # from the index, so that both can be moved together
            file.attrs["features"] = os.path.relpath(
                os.path.realpath(features_folder), os.path.dirname(os.path.realpath(output)))
        file["ids"] = ids = np.array([movie.id for movie in movies], np.int64)
        digest = hashlib.blake2b(ids.tobytes(), digest_size=16)
        recipes = []
        for one in fitted:
            one = one._replace(embeddings=stored_as(one.embeddings, dtype))
            digest.update(json.dumps([one.recipe.name, one.recipe.options()]).encode())
            digest.update(np.ascontiguousarray(one.embeddings))
            group = file.create_group(GROUP.format(one.recipe.name))
            _write_recipe(group, one, n_neighbours, progress, write_ann(
                group, beside, one.recipe.name, ann, one.embeddings, one.words,
                progress) if ann is not None else None)
            if with_map:
                _write_map(group, one, movies, tree, progress)
            recipes.append(one.recipe)
            del one  # with its words, a gigabyte of a million films, before the next comes
        write_recipes(file, recipes)
        for attribute, value in (attributes or {}).items():
            file.attrs[attribute] = value
        file.attrs["built"] = _now()
        file.attrs["digest"] = digest.hexdigest()
        write_columns(file, movies, ratings)
        write_twins(file, movies)
        write_left_out(file, catalogue, kept)
        if tree is not None:
            write_tree(file.create_group(TOPICS), tree)
        beside.name_in(file)


def _now() -> str:
    """Return the time of this build, or SOURCE_DATE_EPOCH, the custom of reproducible builds."""
    seconds = float(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return datetime.datetime.utcfromtimestamp(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_recipe(group: h5py.Group, fitted: Fitted, n_neighbours: int, progress: Progress,
                  candidates: Optional[Candidates] = None) -> None:
    """Write the vectors by a recipe, what it learnt, and what is made of them."""
    recipe, embeddings, words, of_texts, mended = fitted
    group["embeddings"] = embeddings
    if words is not None:
        for name in WORDS:
            group["words/" + name] = getattr(words, name)
        if words.text_data is not None:
            group["words/text_data"] = words.text_data
        group["words/width"] = words.width
    if mended is not None:
        group["mean_when_built"] = mended.mean
        of_texts = mended.scales
    neighbours = mended.neighbours if mended is not None else nearest_films(
        embeddings, words, n_neighbours, progress, candidates) if n_neighbours else None
    if neighbours is not None:
        group["neighbours/rows"], group["neighbours/cosines"] = neighbours
        if candidates is not None:
            group["ann/neighbours_recall"] = share_found(neighbours[0], embeddings, words)
    rows = sample(len(embeddings))
    if mended is None and len(embeddings) > 1:
        vectors = (joined_row(embeddings, words, row) for row in rows)
        group["scale/films"] = np.stack(scale_of(embeddings, words, vectors, rows.tolist()))
    for name, scale in of_texts.items():
        group["scale/" + name] = np.stack(scale)
    recipe.save_learnt(group)


def _write_map(group: h5py.Group, fitted: Fitted, movies: Sequence[Movie],
               topics: Optional[TopicTree], progress: Progress) -> None:
    """Write the films' places on the map, and its regions: topics, or where there are none, what
    lies together. Films marked as adult name none: the map does not show them."""
    mended = fitted.mended
    points = group["map"] = (place_films(fitted.embeddings, fitted.words, progress)
                             if mended is None else mended.points)
    if mended is not None and mended.regions is not None:
        write_regions(group, mended.regions)
        return
    # Imported late for start-up time: scikit-learn takes a second, and only maps need it.
    from recommender.region_names import regions_of, some_evenly

    shown = [row for row, movie in enumerate(movies) if not movie.adult]
    if topics is not None:
        write_regions(group, topic_regions(points, topics, np.array(shown, np.int64)))
        return
    some = some_evenly(shown)
    write_regions(group, regions_of(points[some], [movies[row].overview for row in some]))


def refuse_folder(output: str) -> None:
    """Raise RecommenderError if `output` is a folder, before hours of work."""
    if os.path.isdir(output):
        raise RecommenderError("{} is a folder: --output names a file".format(output))
