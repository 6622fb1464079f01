"""Read tables as people have them: CSV under gzip or zip, with other separators and encodings.

What was understood is noted; what cannot be read is an error that says what the file is. A large
table lies on the disk while it is read, and goes through memory a block at a time.
"""

import codecs
import csv
import gzip
import hashlib
import io
import itertools
import re
import zipfile
import zlib
from typing import IO, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, cast

from recommender.errors import RecommenderError
from recommender.storage.contents import BLOCK, Content, blocks_of, keep, last_block, opened

_MAX_BYTES = 2 << 30  # of an unpacked table; the data set's largest, ratings.csv, has 0.7 GB
_MAX_CELL = 1 << 24  # characters of a cell; a quote that never ends is seen in time
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}  # with their names in notes
# Beginnings of files that people take for tables, and what such a file is.
_OTHERS = {b"PAR1": "a Parquet file", b"\xd0\xcf\x11\xe0": "an old Excel file",
           b"SQLite format 3": "an SQLite database", b"\x89HDF": "an HDF5 file",
           b"%PDF": "a PDF", b"{": "JSON", b"[": "JSON", b"<": "HTML or XML"}


class Table(NamedTuple):
    """A table opened for reading.

    Attributes
    ----------
    path : str
    sha256 : str
        Digest of the file as it lies on the disk, in hex.
    names : list of str
        Names of the columns, in lower case, with underscores for blanks and hyphens.
    content : bytes or mmap
        The whole table, unpacked; a large one is mapped.
    encoding : str
    separator : str
    notes : list of str
        How the file was read, where it is no plain CSV.
    """

    path: str
    sha256: str
    names: List[str]
    content: Content
    encoding: str
    separator: str
    notes: List[str]

    def lines(self) -> List[str]:
        """Return all lines, the first one, too, without the white space around them."""
        text = _lines(self.content, self.encoding).read()
        return [line.strip() for line in text.splitlines()]

    def rows(self) -> Iterator[Tuple[int, List[str]]]:
        """Yield the number of the last line of each row, and its cells.

        Raises RecommenderError at a row that is no CSV.
        """
        csv.field_size_limit(_MAX_CELL)
        reader = csv.reader(_without_nul(_lines(self.content, self.encoding)),
                            delimiter=self.separator, strict=True)
        try:
            next(reader, None)
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except csv.Error as error:
            why = str(error)
            if self.content.find(b'\\"') >= 0:
                why += '; quotes within a cell are written \\" here, and "" is needed'
            raise RecommenderError("{}, line {}: not a CSV ({}): write the file again, or take it "
                                   "from the data set".format(self.path, reader.line_num, why))

    def place(self, names: Sequence[str]) -> Optional[int]:
        """Return the place of the column with the first of `names` that the table has, if any."""
        return next((self.names.index(name) for name in names if name in self.names), None)

    @property
    def is_cut_off(self) -> bool:
        """True if the last line has no end; zeros behind it, of a file that was not closed, do not
        count."""
        return not last_block(self.content, b"\0").endswith((b"\n", b"\r"))

    def joined(self, cells: List[str], text_at: int) -> List[str]:
        """Return the cells of a row, those of a text joined again that had commas without quotes.

        The text is in column `text_at`; only in the last one is it known where it ends.
        """
        if len(cells) > len(self.names) == text_at + 1:
            return [*cells[:text_at], self.separator.join(cells[text_at:]).rstrip(self.separator)]
        return cells


def read_table(path: str, known: Sequence[str]) -> Table:
    """Open the table at `path`.

    Parameters
    ----------
    path : str
        A CSV, or a gzip or zip of one; its separators are commas, semicolons or tabs, its
        encoding is UTF-8, UTF-16 or Windows-1252.
    known : sequence of str
        Names of columns, by which the separator is recognised.

    Raises
    ------
    RecommenderError
        If the file is no table; says what it is.
    OSError
        If it cannot be read.
    """
    text = read_text(path)
    table = with_header(text, known)
    if table is None:
        what = other_kind(text.content)
        raise RecommenderError(
            "{} is not a CSV with a header{}: its first line begins with {!r}".format(
                path, ", but " + what if what else "",
                _lines(text.content, text.encoding).readline().rstrip("\r\n")[:40]))
    return table


def read_text(path: str) -> Table:
    """Open a file as `read_table` does, and raise as it does, but for a table without columns."""
    digest = hashlib.sha256()

    def hashed(file: IO[bytes]) -> Iterator[bytes]:
        for block in _read(file):
            digest.update(block)
            yield block

    with open(path, "rb") as file:
        content = keep(hashed(file))
    notes: List[str] = []
    content = _unpacked(path, content, notes)
    if not any(block.strip() for block in blocks_of(content)):
        raise RecommenderError("{} is empty: take the file from where it came again".format(path))
    return Table(path, digest.hexdigest(), [], content, _encoding(path, content, notes), ",", notes)


def with_header(text: Table, known: Sequence[str]) -> Optional[Table]:
    """Return `text` with the columns that its first line names, or None for none of `known`."""
    first_line = _lines(text.content, text.encoding).readline().rstrip("\r\n")
    found: Dict[str, List[str]] = {
        separator: [_name(cell) for cell in _cells(first_line, separator)]
        for separator in _SEPARATORS}
    separator = max(found, key=lambda each: len(set(known) & set(found[each])))
    if not set(known) & set(found[separator]):
        return None
    notes = [] if separator == "," else ["separated by {}".format(_SEPARATORS[separator])]
    return text._replace(names=found[separator], separator=separator, notes=text.notes + notes)


def other_kind(content: Content) -> str:
    """Return what a file is that begins like one of another kind, or ""."""
    return next((what for magic, what in _OTHERS.items() if content[:len(magic)] == magic), "")


def _name(cell: str) -> str:
    """Return the name of a column as it is compared.

    >>> _name(" Release Date ")
    'release_date'
    """
    return re.sub(r"[\s-]+", "_", cell.strip().lower())


def _cells(line: str, separator: str) -> List[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _unpacked(path: str, content: Content, notes: List[str]) -> Content:
    """Return the content of a gzip or of a zip with one CSV, other content as it is."""
    try:
        if content[:2] == b"\x1f\x8b":
            notes.append("unpacked with gzip")
            with gzip.GzipFile(fileobj=opened(content)) as packed:
                return keep(_bounded(path, cast(IO[bytes], packed)))
        if content[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(opened(content)) as archive:
                names = archive.namelist()
                tables = [name for name in names if name.lower().endswith((".csv", ".tsv"))]
                if "[Content_Types].xml" in names:
                    raise RecommenderError("{} is an Excel file: save it as CSV UTF-8".format(path))
                if len(tables) != 1:
                    raise RecommenderError("{} is a zip with {} CSV files, and one is needed: "
                                           "unpack it and name the file".format(path, len(tables)))
                notes.append("{} of the zip".format(tables[0]))
                with archive.open(tables[0]) as member:
                    return keep(_bounded(path, member))
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError,
            NotImplementedError) as error:
        raise RecommenderError("{} cannot be unpacked ({}): take it from where it came "
                               "again".format(path, error))
    return content


def _without_nul(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines. Raises csv.Error at a NUL, which csv takes for a letter from Python 3.11 on."""
    for line in lines:
        if "\0" in line:
            raise csv.Error("the line has a NUL, as where a disk was full")
        yield line


def _read(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.read(BLOCK), b"")


def _bounded(path: str, packed: IO[bytes]) -> Iterator[bytes]:
    n_bytes = 0
    for block in _read(packed):
        n_bytes += len(block)
        if n_bytes > _MAX_BYTES:
            raise RecommenderError("{} unpacks to more than {:,} bytes: this is no list of "
                                   "films".format(path, _MAX_BYTES))
        yield block


def _lines(content: Content, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(opened(content), encoding, newline="")


def _wrong_byte(content: Content, encoding: str) -> Optional[int]:
    """Return the place of the first byte that is not of that encoding, None without any."""
    decoder, start = codecs.getincrementaldecoder(encoding)(), 0
    for block in itertools.chain(blocks_of(content), (b"",)):
        begun = len(decoder.getstate()[0])  # bytes of a letter that the last block began
        try:
            decoder.decode(block, not block)
        except UnicodeDecodeError as error:
            return start - begun + error.start
        start += len(block)
    return None


def _encoding(path: str, content: Content, notes: List[str]) -> str:
    """Return the encoding of a table: UTF-8, UTF-16 or Windows-1252.

    Raises RecommenderError for other bytes, and for UTF-8 that is damaged.
    """
    is_wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    wrong = _wrong_byte(content, "utf-16" if is_wide else "utf-8")
    if wrong is None:
        notes += ["read as UTF-16"] if is_wide else []
        return "utf-16" if is_wide else "utf-8-sig"
    decoder, n_bad, n_good = codecs.getincrementaldecoder("utf-8")("surrogateescape"), 0, 0
    for block in blocks_of(content):
        text = decoder.decode(block)
        n_bad += len(re.findall("[\udc80-\udcff]", text))
        n_good += len(re.findall("[^\x00-\x7f\udc80-\udcff]", text))
    # In UTF-8 that is damaged most letters beyond ASCII are whole; in another encoding hardly any.
    if content.find(b"\0") >= 0 or n_good > n_bad or _wrong_byte(content, "cp1252") is not None:
        raise RecommenderError(
            "{}: not a CSV in UTF-8 (see byte {}): convert it, or take the file from where it came "
            "again".format(path, wrong))
    notes.append("read as Windows-1252")
    return "cp1252"
