"""The progress bar of an extraction."""

from typing import Any, Dict, List

from tqdm import tqdm

from extracting.tasks import Overview
from recommender import cli


class FilmBar(tqdm):
    """Progress bar whose time left goes by characters, and that shows films.

    The longest texts come first, so the time left would be wrong if it went by films.
    """

    n_done = 0

    def __init__(self, movies: List[Overview]):
        self._n_films = len(movies)
        super().__init__(
            total=sum(len(movie.overview) for movie in movies), unit="char",
            bar_format="{percentage:3.0f}%|{bar}| {n_done:,}/{n_films:,} films "
                       "[{elapsed}<{remaining}, {films_a_second:.1f} films/s]",
            file=cli.BarStream(), mininterval=0.5)

    @property
    def format_dict(self) -> Dict[str, Any]:
        values = super().format_dict
        elapsed = values["elapsed"]
        return dict(values, n_done=self.n_done, n_films=self._n_films,
                    films_a_second=self.n_done / elapsed if elapsed else 0.0)
