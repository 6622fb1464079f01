"""Catalogues as people have them: other columns, separators, encodings, numbers, packed files."""

import gzip
import zipfile
from pathlib import Path

import pytest

from recommender import tables
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.storage import contents
from tests.worlds import COLUMNS, row, write_csv

ROWS = [row(603, "The Matrix"), row(194, "Amélie")]


@pytest.fixture(autouse=True, params=["in memory", "on the disk"])
def where(request, monkeypatch):
    """Reads each table as a small one is read, and as a large one, a few bytes at a time."""
    if request.param == "on the disk":
        monkeypatch.setattr(contents, "LARGE", 1)
        monkeypatch.setattr(contents, "BLOCK", 5)
        monkeypatch.setattr(tables, "BLOCK", 5)
    return request.param


@pytest.fixture()
def path(tmp_path):
    return write_csv(tmp_path / "movies.csv", ROWS)


def rewrite(path, change):
    """Change the bytes of a file; returns its path."""
    Path(path).write_bytes(change(Path(path).read_bytes()))
    return path


def titles(path):
    return [movie.title for movie in read_catalogue(str(path)).movies]


def test_a_plain_file_needs_no_note(path):
    assert read_catalogue(path).notes == []


def test_gzip_and_a_zip_with_one_csv_are_unpacked(path, tmp_path):
    packed = tmp_path / "movies.csv.gz"
    packed.write_bytes(gzip.compress(Path(path).read_bytes()))
    assert titles(packed) == ["The Matrix", "Amélie"]
    assert "unpacked with gzip" in read_catalogue(str(packed)).report()
    with zipfile.ZipFile(str(tmp_path / "a.zip"), "w") as archive:
        archive.write(path, "data/movies.csv")
        archive.writestr("README.txt", "x")
    assert titles(tmp_path / "a.zip") == ["The Matrix", "Amélie"]
    with zipfile.ZipFile(str(tmp_path / "a.zip"), "a") as archive:
        archive.writestr("b.csv", "x")
    with pytest.raises(RecommenderError, match="a zip with 2 CSV files"):
        read_catalogue(str(tmp_path / "a.zip"))


@pytest.mark.parametrize("separator, name", [(";", "semicolons"), ("\t", "tabs")])
def test_semicolons_and_tabs_separate(path, separator, name):
    rewrite(path, lambda content: content.replace(b",", separator.encode()))
    catalogue = read_catalogue(path)
    assert [movie.id for movie in catalogue.movies] == [603, 194]
    assert "separated by " + name in catalogue.notes


@pytest.mark.parametrize("encoding, note", [
    ("utf-16", "read as UTF-16"), ("cp1252", "read as Windows-1252"), ("utf-8-sig", None)])
def test_encodings_of_spreadsheets_are_read(path, encoding, note):
    rewrite(path, lambda content: content.decode().encode(encoding))
    assert titles(path) == ["The Matrix", "Amélie"]
    assert read_catalogue(path).notes == ([note] if note else [])


def test_headers_in_capitals_or_with_blanks_are_headers(path):
    def change(content):
        head, _, rest = content.partition(b"\n")
        return head.upper().replace(b"_", b" ").replace(b"ID,", b" Id ,") + b"\n" + rest
    assert titles(rewrite(path, change)) == ["The Matrix", "Amélie"]


def test_other_data_sets_names_of_columns_are_known(tmp_path):
    path = tmp_path / "movies.csv"
    path.write_text("tmdbId,name,plot,genre,year,rating,votes\n"
                    "603,The Matrix,A hacker.,Action|Sci-Fi,1999,8.7,1200\n")
    movie, = read_catalogue(str(path)).movies
    assert (movie.id, movie.title, movie.overview, movie.genres, movie.year, movie.vote_average,
            movie.vote_count) == (603, "The Matrix", "A hacker.", ("Action", "Sci-Fi"), 1999, 8.7,
                                  1200)


def test_columns_that_are_missing_are_told_once_with_what_is_lost(tmp_path):
    columns = [column for column in COLUMNS if column not in ("imdb_id", "vote_count")]
    report = read_catalogue(write_csv(tmp_path / "movies.csv", ROWS, columns)).report()
    assert report.endswith("no column imdb_id, vote_count: IMDb ids, numbers of votes are unknown")


def test_ids_as_pandas_writes_them_beside_a_missing_one_are_ids(tmp_path):
    path = write_csv(tmp_path / "movies.csv", [row("862.0", "Toy Story"), row("", "None")])
    assert [movie.id for movie in read_catalogue(path).movies] == [862]


def test_a_file_in_which_no_row_has_an_id_says_so(tmp_path):
    path = write_csv(tmp_path / "movies.csv", [row("tt1", "One"), row("tt2", "Two")])
    with pytest.raises(RecommenderError, match="no row has a number as id"):
        read_catalogue(path)


@pytest.mark.parametrize("missing", [
    "nan", "NaN", "NULL", "\\N", "N/A", "#N/A", "<NA>", "None", "-"])
def test_a_missing_overview_is_missing_in_every_spelling_but_a_title_may_be_null(
        tmp_path, missing):
    path = write_csv(tmp_path / "movies.csv", [row(1, "Null"), row(2, "Two", overview=missing)])
    catalogue = read_catalogue(path)
    assert [movie.title for movie in catalogue.movies] == ["Null"]
    assert catalogue.left_out == {"without an overview": 1}


@pytest.mark.parametrize("averages, counts, expected, told", [
    (("7,7", "8,25"), ("1,234", "56"), [(7.7, 1234), (8.25, 56)], "with decimal commas"),
    (("7.7", "8"), ("1,234,567", "9.0"), [(7.7, 1234567), (8.0, 9)], "with commas between"),
    (("7.7", "8"), ("12", "9"), [(7.7, 12), (8.0, 9)], "2 kept"),
    (("7,7", "8.5"), ("12", "many"), [(0.0, 12), (8.5, 0)],
     "unreadable and left empty: 1 in vote_average, 1 in vote_count")])
def test_votes_are_read_where_their_column_is_consistent_and_told_where_not(
        tmp_path, averages, counts, expected, told):
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", [
        row(at, "Film", vote_average=average, vote_count=count)
        for at, (average, count) in enumerate(zip(averages, counts))]))
    assert [(movie.vote_average, movie.vote_count) for movie in catalogue.movies] == expected
    assert told in catalogue.report()


def test_quotes_that_are_escaped_with_a_backslash_are_named(path):
    rewrite(path, lambda content: content + b'1,"say \\"hello\\" now",x\n')
    with pytest.raises(RecommenderError, match=r'quotes within a cell are written'):
        read_catalogue(path)
