"""A film of a catalogue."""

from typing import NamedTuple, Tuple


class Movie(NamedTuple):
    """A film of the catalogue. All its texts have gone through `cells.clean_text`.

    Attributes
    ----------
    id : int
        TMDB id, the only thing that identifies a film.
    imdb_id, title, original_title : str
    language : str
        Original language, ISO 639-1.
    year : int
        Year of release, 0 if unknown.
    genres : tuple of str
        Names in the order of the file, none empty, none twice.
    overview : str
    vote_average : float
        From 0 to 10.
    vote_count : int
    adult : bool
        It is marked as a film for adults only; False if that is unknown.
    poster_path : str
        Path of its poster at TMDB, such as /a1B2.jpg; "" if unknown.
    """

    id: int
    imdb_id: str
    title: str
    original_title: str
    language: str
    year: int
    genres: Tuple[str, ...]
    overview: str
    vote_average: float
    vote_count: int
    adult: bool = False
    poster_path: str = ""
