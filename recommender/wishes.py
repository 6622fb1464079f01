"""The films and texts of a query, found in an index."""

from typing import List, NamedTuple, Optional, Tuple


class Wishes(NamedTuple):
    """A query, found in the index: rows of films, texts, and rows of films to keep away from.

    `shared` holds each title given that several films share, with their rows; the first of them
    was taken. `notes` tell of films of a title given that the index leaves out. `recipe` is the
    recipe of the index to answer by, or None for its first. `weights` are those of `films`, each 1
    where there are none; a text weighs 1. `seen` are rows of films that are known already.
    """

    films: Tuple[int, ...] = ()
    texts: Tuple[str, ...] = ()
    unlike: Tuple[int, ...] = ()
    shared: Tuple[Tuple[str, Tuple[int, ...]], ...] = ()
    notes: Tuple[str, ...] = ()
    recipe: Optional[str] = None
    weights: Tuple[float, ...] = ()
    seen: Tuple[int, ...] = ()

    def all_weights(self) -> List[float]:
        """Return the weights of the films and then of the texts."""
        return [*(self.weights or (1.0,) * len(self.films)), *(1.0,) * len(self.texts)]

    @property
    def is_single(self) -> bool:  # one film or one text, and nothing else
        return len(self.films) + len(self.texts) == 1 and not self.unlike

    @property
    def is_one_film(self) -> bool:
        return self.is_single and bool(self.films)
