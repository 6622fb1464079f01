"""Read people's own lists of films, and find their films in an index.

A list is an export of Letterboxd or IMDb, another table with some of their columns, or a text
with a film on each line: a TMDB id, an IMDb id, or a title, with its year behind it.
"""

import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from recommender.cells import clean_text, is_missing, read_id, read_numbers, read_year
from recommender.errors import NothingFound, RecommenderError
from recommender.index import Index
from recommender.tables import Table, other_kind, read_text, with_header
from recommender.words import some_of

# Names of the columns that are read: Letterboxd's, IMDb's, Trakt's, and what people write.
_COLUMNS = {
    "id": ("tmdb_id", "tmdbid", "id"),
    "imdb_id": ("const", "imdb_id", "imdbid", "tconst"),
    "title": ("name", "title", "original_title"),
    "year": ("year", "release_year", "release_date"),
    "stars": ("your_rating", "you_rated", "rating10", "rating", "stars")}
_KNOWN = [name for names in _COLUMNS.values() for name in names]
_OF_TEN = ("your_rating", "you_rated", "rating10")  # columns of stars that go up to 10, not 5
_LETTERBOXD_LIST = "Letterboxd list export"  # first words of a list with a head of its own
_IMDB_ID = re.compile(r"(?:^|/)(tt[0-9]{5,10})(?:$|[/?])", re.IGNORECASE)  # alone or in an address
_TMDB_ADDRESS = re.compile(r"themoviedb\.org/movie/([0-9]{1,18})")
_TITLE_AND_YEAR = re.compile(r"(.*?)[\s,;-]+[(\[]?((?:18|19|20)[0-9]{2})[)\]]?")


class Listed(NamedTuple):
    """A film of a list, as it is written there.

    `stars` is None for a film without stars, and nan where they cannot be read.
    """

    text: str
    id: Optional[int] = None
    imdb_id: str = ""
    title: str = ""
    year: Optional[int] = None
    stars: Optional[float] = None


class FilmList(NamedTuple):
    """A list as it was read.

    Attributes
    ----------
    path : str
    films : list of Listed
    scale : int
        The most stars that a film can have, 5 or 10.
    notes : list of str
        How the file was read, where it is no plain CSV.
    """

    path: str
    films: List[Listed]
    scale: int
    notes: List[str]


class Found(NamedTuple):
    """The films of a list that are in an index.

    Attributes
    ----------
    liked : dict of int to float
        Weights by TMDB id, up to 1: the share of all stars. A film without stars has 1.
    others : list of int
        TMDB ids of films below the middle of the scale, or with stars that cannot be read.
    notes : list of str
        What a user should know of it, a line each.
    """

    liked: Dict[int, float]
    others: List[int]
    notes: List[str]

    @property
    def ids(self) -> List[int]:
        """TMDB ids of all films."""
        return [*self.liked, *self.others]


def read_list(path: str) -> FilmList:
    """Read a list of films.

    Raises
    ------
    RecommenderError
        If the file is no list; says what it is.
    OSError
        If it cannot be read.
    """
    text = read_text(path)
    lines = text.lines()
    table = with_header(text, _KNOWN)
    if lines[0].startswith(_LETTERBOXD_LIST):
        table = text._replace(names=[""])
    if table is None or len(table.names) == 1 and table.names != [""]:
        what = other_kind(text.content)
        if what and text.content[:1] != b"[":  # as the title [REC] does
            raise RecommenderError("{} is no list of films, but {}: a CSV of Letterboxd or IMDb is "
                                   "needed, or a text with a film on each line".format(path, what))
        films = [_of_line(line) for line in lines[0 if table is None else 1:] if line]
        return FilmList(path, films, 5, text.notes)
    return _of_table(table)


def given_list(name: str, films: Sequence[Union[int, str, Mapping[str, Any]]]) -> FilmList:
    """Return a list that is no file; notes call it `name`.

    Each film is a TMDB id, a text as a line of a file may be, or a dict with such a `film` and
    its `stars`, from 0.5 to 5.
    """
    listed = []
    for each in films:
        cells = each if isinstance(each, Mapping) else {"film": each}
        film, stars = cells["film"], cells.get("stars")
        found = _of_line(film) if isinstance(film, str) else Listed(str(int(film)), id=int(film))
        listed.append(found._replace(stars=None if stars is None else float(stars)))
    return FilmList(name, listed, 5, [])


def _of_line(line: str) -> Listed:
    """Return the film on a line of a text.

    >>> _of_line("tt0113277").imdb_id, _of_line("949").id, _of_line('"Heat, 1995"')[3:5]
    ('tt0113277', 949, ('Heat', 1995))
    """
    text = clean_text(line.replace('""', '"'))
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    imdb_id, address = _IMDB_ID.search(text), _TMDB_ADDRESS.search(text)
    if imdb_id:
        return Listed(text, imdb_id=imdb_id.group(1).lower())
    if address:
        return Listed(text, id=int(address.group(1)))
    split = _TITLE_AND_YEAR.fullmatch(text)
    if split and split.group(1):
        return Listed(text, title=split.group(1), year=int(split.group(2)))
    return Listed(text, id=read_id(text), title=text)


def _of_table(table: Table) -> FilmList:
    rows = [cells for _, cells in _rows(table)]
    names = table.names
    if names == [""]:
        names, rows = _below_head(table.path, rows)
    at = {of: next((names.index(name) for name in known if name in names), None)
          for of, known in _COLUMNS.items()}
    if at["id"] is at["imdb_id"] is at["title"] is None:
        raise RecommenderError("{}: column Name, Title, Const or tmdbID is missing: a CSV of "
                               "Letterboxd or IMDb is needed, or a text with a film on each "
                               "line".format(table.path))

    def column(of: str) -> List[str]:
        place = at[of]
        cells = ["" if place is None or place >= len(row) else clean_text(row[place])
                 for row in rows]
        return ["" if is_missing(cell) and of != "title" else cell for cell in cells]

    stars = read_numbers(column("stars"), whole=False).values
    place = at["stars"]
    is_of_ten = (place is not None and names[place] in _OF_TEN
                 or any(each is not None and each > 5 for each in stars))
    scale = 10 if is_of_ten else 5
    least = 1 if is_of_ten else 0.5
    films = [
        Listed(" ".join(filter(None, (title or imdb_id or movie_id, year and "({})".format(year)))),
               read_id(movie_id), imdb_id.lower(), title, read_year(year) or None,
               None if not written else number if number and least <= number <= scale
               else float("nan"))
        for movie_id, imdb_id, title, year, written, number in zip(
            *map(column, ("id", "imdb_id", "title", "year", "stars")), stars)]
    return FilmList(table.path, [film for film in films if film.text], scale, table.notes)


def _rows(table: Table) -> Iterator[Tuple[int, List[str]]]:
    return ((line, cells) for line, cells in table.rows() if any(map(str.strip, cells)))


def _below_head(path: str, rows: Sequence[List[str]]) -> Tuple[List[str], List[List[str]]]:
    """Return the columns of a Letterboxd list and its rows, which stand below a head."""
    for place, cells in enumerate(rows):
        if cells[0] == "Position":
            return [cell.strip().lower() for cell in cells], list(rows[place + 1:])
    raise RecommenderError("{} is a Letterboxd list without films: export it again".format(path))


def find_films(index: Index, films: FilmList) -> Found:
    """Find the films of a list in an index.

    A title that several films share is that of the list's year, else the one with most votes. A
    year may be off by one: where a film came out in different years, sources differ. Of a film
    that is listed several times the last stars count.
    """
    row_of_imdb_id = index.rows_of_imdb_ids(each.imdb_id for each in films.films)
    stars: Dict[int, Optional[float]] = {}
    lost, shared = [], []
    for film in films.films:
        row = row_of_imdb_id.get(film.imdb_id, index.row_by_id.get(film.id or -1, -1))
        if row < 0 and film.title:
            rows = index.rows_called(film.title, film.year)
            if not rows and film.text != film.title:  # the year may belong to the title
                rows = index.rows_called(film.text)
            if film.imdb_id:  # a film that has another IMDb id is another film
                rows = [each for each in rows if not index.column("imdb_id")[each]]
            row = rows[0] if rows else -1
            if not set(rows) <= set(index.twins.with_theirs(rows[:1])):
                shared.append(index.describe(row))
        if row < 0:
            lost.append(film.text)
        elif film.stars is not None or row not in stars:
            stars[row] = film.stars
    ids = index.ids.tolist()
    liked = {ids[row]: 1.0 if each is None else each / films.scale for row, each in stars.items()
             if each is None or 2 * each >= films.scale}
    others = [ids[row] for row in stars if ids[row] not in liked]
    notes = list(films.notes)
    if shared:
        notes.append("{:,} of its titles are those of several films: taking the one with the most "
                     "votes: {}".format(len(shared), some_of(shared)))
    if lost:
        notes.append("{:,} of {:,} fit no film of {}: {}".format(
            len(lost), len(films.films), index.path, some_of(lost)))
    return Found(liked, others, ["{}: {}".format(films.path, note) for note in notes])


class Lists(NamedTuple):
    """The films of several lists that are in an index.

    Attributes
    ----------
    liked : dict of int to float
        Wishes: weights by TMDB id.
    seen : list of int
        TMDB ids of films to leave out of the answer.
    notes : list of str
        What a user should know of each list, a line each.
    """

    liked: Dict[int, float]
    seen: List[int]
    notes: List[str]


def find_lists(index: Index, liked: Sequence[FilmList], seen: Sequence[FilmList]) -> Lists:
    """Find in an index the films of lists that people like, or know.

    Liked films below the middle of the stars are no wishes; they are left out of the answer.
    """
    lists = Lists({}, [], [])
    for films in liked:
        found = find_films(index, films)
        others = ", {:,} below {:g} of {} stars left out of the answer".format(
            len(found.others), films.scale / 2, films.scale) if found.others else ""
        lists.notes.extend([*found.notes, "{}: {:,} films are wishes{}".format(
            films.path, len(found.liked), others)])
        lists.liked.update(found.liked)
        lists.seen.extend(found.others)
    for films in seen:
        found = find_films(index, films)
        lists.notes.extend([*found.notes, "{}: {:,} films left out of the answer".format(
            films.path, len(found.ids))])
        lists.seen.extend(found.ids)
    return lists


def nothing_liked(index: Index, liked: Sequence[FilmList]) -> NothingFound:
    """Return the error for lists without a wish, where nothing else is asked for."""
    return NothingFound("{}: no film of the index {} is liked there: name one by its title, or "
                        "describe one in your own words".format(
                            ", ".join(films.path for films in liked), index.path))
