"""Small worlds for tests: a catalogue CSV, a feature folder, an index."""

import csv
from typing import Any, Dict, Iterable, List, Optional, Sequence

import numpy as np

from recommender.building import build_index
from recommender.catalogue import Catalogue, read_catalogue
from recommender.index import Index, Result
from recommender.storage.feature_store import FeatureReader, FeatureWriter, overview_digest
from recommender.storage.shards import Settings

COLUMNS = [
    "adult", "belongs_to_collection", "budget", "genres", "homepage", "id", "imdb_id",
    "original_language", "original_title", "overview", "popularity", "poster_path",
    "production_companies", "production_countries", "release_date", "revenue", "runtime",
    "spoken_languages", "status", "tagline", "title", "video", "vote_average", "vote_count"]
SETTINGS = Settings(layers=(-1, -2, -3, -4), max_seq_length=256, do_lower_case=True,
                    hidden_size=8, dtype="float32", pooled=False, checkpoint="tiny",
                    checkpoint_sha256="ab" * 32)


def row(movie_id: Any, title: str, **cells: Any) -> Dict[str, Any]:
    """A row of the data set; `cells` change single columns."""
    return {**{
        "adult": "False", "belongs_to_collection": "", "budget": "0",
        "genres": "[{'id': 18, 'name': 'Drama'}]", "homepage": "", "id": movie_id,
        "imdb_id": "tt{:07d}".format(movie_id if isinstance(movie_id, int) else 0),
        "original_language": "en", "original_title": title,
        "overview": "What happens in {} ({}).".format(title, movie_id), "popularity": "1.5",
        "poster_path": "/a.jpg", "production_companies": "[]", "production_countries": "[]",
        "release_date": "1999-03-30", "revenue": "0", "runtime": "100.0",
        "spoken_languages": "[{'iso_639_1': 'en', 'name': 'English'}]", "status": "Released",
        "tagline": "", "title": title, "video": "False", "vote_average": "7.0",
        "vote_count": "100"}, **cells}


def write_csv(path: Any, rows: Iterable[Any], columns: Sequence[str] = COLUMNS) -> str:
    """Write `rows` (dicts, or lists of cells as they stand) under the header `columns`."""
    with open(str(path), "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for cells in rows:
            writer.writerow([cells[column] for column in columns] if isinstance(cells, dict)
                            else cells)
    return str(path)


def random_layers(n_tokens: int, seed: int, settings: Settings = SETTINGS) -> np.ndarray:
    """Hidden layers of a text, (n_layers, n_tokens, hidden_size)."""
    shape = (len(settings.layers), n_tokens, settings.hidden_size)
    return np.random.RandomState(seed % 2 ** 32).standard_normal(shape).astype(settings.dtype)


def write_features(folder: Any, features: Dict[int, np.ndarray],
                   settings: Settings = SETTINGS,
                   overviews: Optional[Dict[int, str]] = None) -> str:
    """Write a feature folder of `layers` by movie id, as of `overviews` by movie id."""
    overviews = overviews or {}
    with FeatureWriter(str(folder), settings) as writer:
        for movie_id, layers in features.items():
            writer.add(movie_id, layers, np.arange(layers.shape[1], dtype=np.int32),
                       overview_digest(overviews.get(movie_id, str(movie_id))))
    return str(folder)


def overviews_of(catalogue: Catalogue) -> Dict[int, str]:
    """The overview of each film by movie id."""
    return {movie.id: movie.overview for movie in catalogue.movies}


def write_index(folder: Any, rows: List[Dict[str, Any]],
                features: Optional[Dict[int, np.ndarray]] = None, with_map: bool = False,
                n_neighbours: int = 0, recipes: Sequence[str] = ("mean4",),
                **options: Any) -> str:
    """Write catalogue, features and index of `rows` into `folder`; the path of the index."""
    catalogue = read_catalogue(write_csv(folder / "movies.csv", rows))
    if features is None:
        features = {movie.id: random_layers(3 + movie.id % 5, movie.id)
                    for movie in catalogue.movies}
    path = str(folder / "index.h5")
    written = write_features(folder / "features", features, overviews=overviews_of(catalogue))
    build_index(catalogue, FeatureReader(written), path, recipes, with_map=with_map,
                n_neighbours=n_neighbours, **options)
    return path


def search(index: Index, vector: np.ndarray, k: int, without: Sequence[int] = ()) -> List[Result]:
    """The films nearest to a vector by the index's first recipe."""
    return index.results(*index.space().nearest(vector, k, without))


def open_index(folder: Any, rows: List[Dict[str, Any]],
               features: Optional[Dict[int, np.ndarray]] = None) -> Index:
    """The index of `write_index`, opened."""
    return Index(write_index(folder, rows, features))


def only_line(text: str) -> str:
    """The one line that `text` is; fails if it is none or more."""
    lines = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]
