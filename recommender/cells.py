"""Read the cells of a catalogue in the forms that data sets and spreadsheets write.

A cell that cannot be understood is never turned into a wrong value: its reader returns None.
"""

import ast
import functools
import json
import re
from typing import Any, Callable, Iterable, List, NamedTuple, Optional, Tuple, TypeVar

T = TypeVar("T")

# Spellings of a missing value by pandas, SQL, R and spreadsheets, in lower case.
MISSING = {"", "nan", "null", "none", "na", "n/a", "<na>", "nat", "#n/a", "#na", "nil", "(null)",
           "\\n", "-", "--", "?", "undefined"}
# Characters of a literal; Python's parser crashes at expressions of some 200,000.
_MAX_LITERAL = 1 << 15
# Spellings of true and false by Python, JSON, SQL, R and spreadsheets, in lower case.
_YES, _NO = {"true", "t", "yes", "y", "1", "1.0"}, {"false", "f", "no", "n", "0", "0.0"}
_ID = re.compile(r"([0-9]{1,18})(?:\.0+)?")  # pandas writes 862.0 beside a missing id
_YEAR = re.compile(r"(?<![0-9])(1[89][0-9]{2}|20[0-9]{2})(?![0-9])")
_PLAIN = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_COMMA_THOUSANDS = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"([0-9]{1,3}(\.[0-9]{3})+|[0-9]+),[0-9]+")
_POINT_THOUSANDS = re.compile(r"[0-9]{1,3}(\.[0-9]{3})+")


def clean_text(text: str) -> str:
    """Return `text` on one line, without what UTF-8 and HDF5 cannot hold.

    Runs of white space and NULs become one space. A pair of surrogates becomes the letter that it
    stands for, one without its other half U+FFFD.

    >>> clean_text("  Sci\\0Fi \\n and\\tmore ")
    'Sci Fi and more'
    >>> clean_text("\\ud83d\\ude00") == "\\U0001f600", clean_text("half \\ud83d") == "half \\ufffd"
    (True, True)
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return " ".join(whole.replace("\0", " ").split())


def read_id(text: str) -> Optional[int]:
    """Return a TMDB id.

    >>> read_id(" 862.0 "), read_id("1997-08-20")
    (862, None)
    """
    match = _ID.fullmatch(text.strip())
    return int(match.group(1)) if match else None


def is_missing(text: str) -> bool:
    """Return True for a cell that says that there is no value."""
    return text.strip().lower() in MISSING


def read_flag(text: str) -> Optional[bool]:
    """Return what a cell says that is either so or not so, False for a missing one.

    >>> [read_flag(text) for text in ("True", "t", "1.0", "no", "0", "", "perhaps")]
    [True, True, True, False, False, False, None]
    """
    word = text.strip().casefold()
    return True if word in _YES else False if word in _NO or is_missing(text) else None


def read_year(date: str) -> Optional[int]:
    """Return the year of a date, 0 for a missing one; it must have four digits.

    >>> [read_year(date) for date in ("1995-10-30", "12/15/1995", "30 Oct 1995", "", "12/15/95")]
    [1995, 1995, 1995, 0, None]
    """
    if is_missing(date):
        return 0
    begin = date.strip()[:4]
    if len(begin) == 4 and begin.isdecimal():
        return int(begin)
    found = _YEAR.findall(date)
    return int(found[0]) if len(set(found)) == 1 else None


class Numbers(NamedTuple):
    """A column of numbers; `values` holds None for those that cannot be read, 0.0 for missing
    ones; `note` says how the column was read where it is not plain."""

    values: List[Optional[float]]
    note: str


def read_numbers(texts: Iterable[str], whole: bool) -> Numbers:
    """Read a column of numbers; separators of thousands and decimals if all agree on them.

    `whole` says that the numbers are counts, in which 1,234 is 1234.

    >>> read_numbers(["7,7", "8"], whole=False)
    Numbers(values=[7.7, 8.0], note='with decimal commas')
    >>> read_numbers(["1,234", "56"], whole=True)
    Numbers(values=[1234.0, 56.0], note='with commas between thousands')
    >>> read_numbers(["7.5", "soon", ""], whole=False).values
    [7.5, None, 0.0]
    """
    texts = [text.strip().replace("\u00a0", "").replace("\u202f", "") for text in texts]
    odd = {text for text in texts if not is_missing(text) and not _PLAIN.fullmatch(text)}
    pointed = {text for text in texts if "." in text and "," not in text}
    ways: List[Tuple[str, Callable[[str], bool], Callable[[str], str]]] = [
        ("with commas between thousands", lambda text: bool(_COMMA_THOUSANDS.fullmatch(text)),
         lambda text: text.replace(",", "")),
        ("with decimal commas", lambda text: bool(_DECIMAL_COMMA.fullmatch(text)),
         lambda text: text.replace(".", "").replace(",", "."))]
    for note, fits, plain in ways if whole else reversed(ways):
        if odd and any("," in text for text in odd) and all(
                fits(text) for text in odd if "," in text) and not (
                    note == "with decimal commas" and any(
                        not _POINT_THOUSANDS.fullmatch(text) for text in pointed)):
            return Numbers([_number(plain(text) if "," in text else text) for text in texts], note)
    return Numbers([_number(text) for text in texts], "")


def _number(text: str) -> Optional[float]:
    """Return a plain number, 0.0 for a missing one, None for anything else."""
    if is_missing(text):
        return 0.0
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def read_literal(text: str, read: Callable[[Any], T]) -> Optional[T]:
    """Return what `read` makes of the value of a Python literal, or of JSON.

    Returns None if `text` is neither, if it is longer than any of the data set, or if `read`
    fails because the value is not of the form that it expects.

    >>> read_literal("{'id': 10, 'name': 'Toy Story Collection'}", lambda cell: cell["id"])
    10
    >>> read_literal("{'id': 10, 'na", lambda cell: cell["id"]) is None
    True
    """
    if len(text) > _MAX_LITERAL:
        return None
    try:
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            value = json.loads(text)  # null, true and false are no Python
        return read(value)
    except (ValueError, SyntaxError, TypeError, KeyError, AttributeError,
            OverflowError, MemoryError, RecursionError):
        return None


class Genres(NamedTuple):
    """Names of genres, none empty, none twice, and how many entries could not be read."""

    names: Tuple[str, ...]
    n_unreadable: int


@functools.lru_cache(1 << 12)  # films share few sets of genres
def read_genres(text: str) -> Genres:
    """Read genres as JSON or a Python literal, of dicts or of names, or as names joined.

    Joined names stand between bars, semicolons or commas. One bad entry loses that entry only.

    >>> read_genres("[{'id': 35, 'name': 'Comedy'}, {'id': 1}]")
    Genres(names=('Comedy',), n_unreadable=1)
    >>> read_genres("['Action', 'Drama']").names, read_genres("Action|Sci-Fi").names
    (('Action', 'Drama'), ('Action', 'Sci-Fi'))
    >>> read_genres("[{'id': 18, 'na")
    Genres(names=(), n_unreadable=1)
    """
    if is_missing(text) or text.strip().lower() == "(no genres listed)":
        return Genres((), 0)
    names: List[Optional[str]]
    if text.strip()[0] in "[{(":
        entries = read_literal(text, _entries)
        if entries is None:
            return Genres((), 1)
        names = [_name_of(entry) for entry in entries]
    else:
        separator = next((each for each in "|;," if each in text), "|")
        names = [None if _PLAIN.fullmatch(name.strip()) else clean_text(name)
                 for name in text.split(separator)]
    return Genres(tuple(dict.fromkeys(name for name in names if name)),
                  sum(name is None for name in names))


def _entries(value: Any) -> List[Any]:
    """Return the entries of a list. Raises TypeError for a dict or a string, which are none."""
    if isinstance(value, (dict, str, bytes)):
        raise TypeError
    return list(value)


def _name_of(entry: Any) -> Optional[str]:
    """Return the name in an entry of a list of genres, or None."""
    name = entry.get("name") if isinstance(entry, dict) else entry
    return clean_text(name) if isinstance(name, str) else None
