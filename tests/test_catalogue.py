"""The catalogue reader takes the published file as it is and says what it left out."""

from pathlib import Path

import pytest

from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from tests.worlds import COLUMNS, row, write_csv

GOOD = row(603, "The Matrix")


def read(tmp_path, rows, **options):
    return read_catalogue(write_csv(tmp_path / "movies.csv", rows), **options)


def halves(pad):
    """Movie 82663 as it is broken in the published file: cut in its overview; the rest of the
    cells, from that overview on, begin a line of their own."""
    cells = [str(cell) for cell in row(82663, "Midnight Man", release_date="1997-08-20").values()]
    at = COLUMNS.index("overview")
    first = cells[:at + 1]
    second = [" - Written by Ørnås"] + cells[at + 1:]
    return [half + [""] * (len(COLUMNS) - len(half)) if pad else half for half in (first, second)]


def error_of(path, **options):
    with pytest.raises(RecommenderError) as caught:
        read_catalogue(str(path), **options)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert caught.value.exit_code == 1
    return message


def test_a_film_is_read_with_all_its_facts(tmp_path):
    movie, = read(tmp_path, [row(
        128, "Princess Mononoke", original_title="もののけ姫", original_language="ja",
        genres="[{'id': 12, 'name': 'Adventure'}, {'id': 16, 'name': 'Animation'}]",
        overview="A prince,\n \"cursed\",  goes west.", release_date="1997-07-12",
        vote_average="8.2", vote_count="2041", imdb_id="tt0119698", adult="True")]).movies
    assert movie == (128, "tt0119698", "Princess Mononoke", "もののけ姫", "ja", 1997,
                     ("Adventure", "Animation"), 'A prince, "cursed", goes west.', 8.2, 2041, True,
                     "/a.jpg")


def test_films_stay_in_the_order_of_the_file(tmp_path):
    rows = [row(movie_id, "Film {}".format(movie_id)) for movie_id in (9, 3, 700000, 1)]
    assert [movie.id for movie in read(tmp_path, rows).movies] == [9, 3, 700000, 1]


def test_two_films_with_one_title_stay_two(tmp_path):
    catalogue = read(tmp_path, [row(1, "Hamlet"), row(2, "Hamlet")])
    assert [movie.id for movie in catalogue.movies] == [1, 2]
    assert catalogue.left_out == {}


@pytest.mark.parametrize("pad, reasons", [
    (False, {"broken across lines": 2}),
    (True, {"without a title": 1, "with no number as id": 1})])
def test_a_film_broken_across_two_lines_is_left_out_and_its_neighbours_are_kept(
        tmp_path, pad, reasons):
    first, second = halves(pad)
    assert second[COLUMNS.index("id")] == "1997-08-20"
    catalogue = read(tmp_path, [GOOD, first, second, row(604, "The Matrix Reloaded")])
    assert [movie.id for movie in catalogue.movies] == [603, 604]
    assert catalogue.n_rows == 4
    assert catalogue.left_out == reasons


def test_a_row_with_too_many_cells_is_left_out(tmp_path):
    catalogue = read(tmp_path, [GOOD, [*row(5, "Five").values(), "one more"]])
    assert catalogue.left_out == {"broken across lines": 1}


def test_exact_and_differing_duplicates_are_counted_apart_and_the_first_is_kept(tmp_path):
    catalogue = read(tmp_path, [GOOD, GOOD, GOOD, {**GOOD, "vote_count": "7"}])
    assert [movie.vote_count for movie in catalogue.movies] == [100]
    assert catalogue.left_out == {"with an id seen before": 2,
                                  "with an id seen before and other values": 1}


@pytest.mark.parametrize("overview", [
    "", " ", "\n", "No overview found.", "No Overview", "No movie overview available.",
    "NO OVERVIEW FOUND", " No overview found. "])
def test_a_missing_or_placeholder_overview_leaves_the_film_out(tmp_path, overview):
    catalogue = read(tmp_path, [GOOD, row(5, "Five", overview=overview)])
    assert [movie.id for movie in catalogue.movies] == [603]
    assert catalogue.left_out == {"without an overview": 1}


def test_an_overview_that_only_begins_like_a_placeholder_is_kept(tmp_path):
    movie, = read(tmp_path, [row(5, "Five", overview="No overview of Rome is complete.")]).movies
    assert movie.overview == "No overview of Rome is complete."


@pytest.mark.parametrize("literal, genres", [
    ("[{'id': 1, 'name': \"Director's Cut\"}, {'id': 2, 'name': 'Ca\\'t'}]",
     ("Director's Cut", "Ca't")),
    ("[]", ()), ("", ()), ("[{'id': 1, 'name': 'Drama'}", ()), ("[{'id': 1}]", ()),
    ("None", ()), ("42", ()), ("{'name': 'Drama'}", ()), ("nan", ()), ("(no genres listed)", ()),
    ("('Drama')", ()), ("Drama", ("Drama",)), ("['Action', 'Drama', 7]", ("Action", "Drama")),
    ('[{"id": 1, "name": "Drama"}, {"id": null}]', ("Drama",)), ("Drama, War", ("Drama", "War")),
    ("Drama|Sci-Fi|Drama", ("Drama", "Sci-Fi")), ("Drama;War", ("Drama", "War"))])
def test_genres_are_read_in_every_form_and_a_broken_one_costs_only_itself(
        tmp_path, literal, genres):
    movie, = read(tmp_path, [row(5, "Five", genres=literal)]).movies
    assert movie.genres == genres


def test_broken_literals_in_columns_that_nothing_reads_do_no_harm(tmp_path):
    catalogue = read(tmp_path, [row(5, "Five", belongs_to_collection="{'id': 1, 'name':",
                                    production_companies="[{'name': None", budget="/a.jpg")])
    assert catalogue.left_out == {}


@pytest.mark.parametrize("date, year", [
    ("1995-10-30", 1995), ("", 0), ("1", 0), ("soon", 0), (" 1888-01-01", 1888),
    ("12/15/1995", 1995), ("15.12.1995", 1995), ("Dec 15, 1995", 1995), ("1995.0", 1995),
    ("12/15/95", 0), ("1995 or 1996", 1995), ("from 1995 to 1996", 0)])
def test_an_empty_or_odd_release_date_is_an_unknown_year(tmp_path, date, year):
    movie, = read(tmp_path, [row(5, "Five", release_date=date)]).movies
    assert movie.year == year


def test_text_where_numbers_belong_does_not_cost_the_film(tmp_path):
    movie, = read(tmp_path, [row(5, "Five", popularity="Beware Of Frost Bites", budget="/a.jpg",
                                 vote_average="n/a", vote_count="")]).movies
    assert (movie.vote_average, movie.vote_count) == (0.0, 0)


@pytest.mark.parametrize("text, average, count", [
    ("nan", 0.0, 0), ("inf", 0.0, 0), ("-3", 0.0, 0), ("1e30", 10.0, 2 ** 31 - 1)])
def test_votes_stay_within_what_the_index_can_hold(tmp_path, text, average, count):
    movie, = read(tmp_path, [row(5, "Five", vote_average=text, vote_count=text)]).movies
    assert (movie.vote_average, movie.vote_count) == (average, count)


@pytest.mark.parametrize("bad_id", ["", "1997-08-20", "-5", "1.5", "abc", "9" * 30, "²", "nan"])
def test_a_row_without_a_number_as_id_is_left_out(tmp_path, bad_id):
    catalogue = read(tmp_path, [GOOD, row(bad_id, "Five")])
    assert catalogue.left_out == {"with no number as id": 1}


def test_the_report_gives_rows_read_kept_and_left_out_by_reason(tmp_path):
    first, second = halves(pad=False)
    catalogue = read(tmp_path, [GOOD, first, second, GOOD, row(5, "Five", overview=" ")])
    assert catalogue.report() == (
        "{}: 5 rows read, 1 kept, 4 left out (2 broken across lines, 1 with an id seen before, "
        "1 without an overview)".format(catalogue.path))


def test_the_report_of_a_clean_file_is_short(tmp_path):
    catalogue = read(tmp_path, [GOOD])
    assert catalogue.report() == catalogue.path + ": 1 rows read, 1 kept"


def test_the_digest_tells_one_file_from_another(tmp_path):
    one, same = (read(tmp_path, [GOOD]).sha256 for _ in range(2))
    other = read(tmp_path, [row(603, "The Matrix", tagline="x")]).sha256
    assert one == same != other


def test_strict_makes_a_left_out_row_an_error_that_names_line_and_reason(tmp_path):
    path = write_csv(tmp_path / "movies.csv", [GOOD, row(5, "Five", overview="No Overview")])
    message = error_of(path, strict=True)
    assert "line 3" in message
    assert "without an overview" in message


def test_strict_takes_a_clean_file(tmp_path):
    assert len(read(tmp_path, [GOOD, row(5, "Five")], strict=True).movies) == 2


def test_a_missing_column_is_named(tmp_path):
    columns = [column for column in COLUMNS if column != "overview"]
    assert "column overview is missing" in error_of(
        write_csv(tmp_path / "movies.csv", [GOOD], columns))


def test_columns_are_found_by_name_in_any_order(tmp_path):
    path = write_csv(tmp_path / "movies.csv", [GOOD], sorted(COLUMNS, reverse=True))
    assert read_catalogue(path).movies[0].title == "The Matrix"


def test_a_byte_order_mark_does_not_hide_the_first_column(tmp_path):
    path = write_csv(tmp_path / "movies.csv", [GOOD], ["id", *sorted(set(COLUMNS) - {"id"})])
    Path(path).write_bytes(b"\xef\xbb\xbf" + Path(path).read_bytes())
    assert read_catalogue(path).movies[0].id == 603


def test_damaged_utf_8_is_refused_with_the_place(tmp_path):
    path = write_csv(tmp_path / "movies.csv", [row(5, "Amélie"), row(6, "Über"), row(7, "Ça")])
    content = Path(path).read_bytes().replace("Ü".encode(), b"\xff", 1)
    Path(path).write_bytes(content)
    message = error_of(path)
    assert "not a CSV in UTF-8" in message
    assert str(content.index(b"\xff")) in message


@pytest.mark.parametrize("content, expected", [
    (b"", "is empty"),
    (b"\n\n", "is empty"),
    (b"just a note\nin two lines\n", "not a CSV with a header"),
    (bytes(range(256)) * 40, "not"),
    (b"PK\x03\x04\x14\x00\x00\x00\x08\x00" * 30, "cannot be unpacked"),
    (b"\x1f\x8b\x08" + b"x" * 30, "cannot be unpacked"),
    (b"PAR1" + b"x" * 30, "but a Parquet file"),
    (b'{"movies": []}', "but JSON"),
    ((",".join(COLUMNS) + "\n").encode("utf-16"), "in 0 rows"),
    ((",".join(COLUMNS) + "\n").encode(), "in 0 rows"),
])
def test_what_is_no_catalogue_is_refused_in_one_line(tmp_path, content, expected):
    path = tmp_path / "movies.csv"
    path.write_bytes(content)
    assert expected in error_of(path)


def test_nul_bytes_are_refused_in_one_line(tmp_path):
    path = write_csv(tmp_path / "movies.csv", [GOOD])
    with open(path, "ab") as file:
        file.write(b"False,\0\0\0,1\n")
    assert "not a CSV" in error_of(path)


def test_a_quote_that_is_never_closed_is_refused_in_one_line(tmp_path):
    path = write_csv(tmp_path / "movies.csv", [GOOD])
    with open(path, "a") as file:
        file.write('False,"never closed\n')
    assert "not a CSV" in error_of(path)


def test_a_file_that_is_cut_off_in_its_last_row_is_refused(tmp_path):
    path = tmp_path / "movies.csv"
    write_csv(path, [GOOD, GOOD])
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert "cut off in its last row" in error_of(path)
    path.write_bytes(whole.rstrip())
    assert len(read_catalogue(str(path)).movies) == 1


def test_a_file_in_which_no_film_can_be_used_is_an_error(tmp_path):
    path = write_csv(tmp_path / "movies.csv", [row(5, "Five", overview="")])
    assert "no film with an overview in 1 rows" in error_of(path)


def test_films_whose_genres_are_unreadable_are_kept_and_counted(tmp_path):
    rows = [row(1, "One"), row(2, "Two", genres="[{'id': 18, 'na"), row(3, "Three", genres="")]
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", rows))
    assert [movie.genres for movie in catalogue.movies] == [("Drama",), (), ()]
    assert catalogue.report().endswith(
        "3 kept; unreadable and left empty: 1 in genres")


@pytest.mark.parametrize("column", ["adult", "isAdult", "is_adult"])
def test_films_are_marked_as_adult_however_it_is_written(tmp_path, column):
    written = ["True", "TRUE", "true", "1", "t", "Yes", " y ", "1.0",
               "False", "FALSE", "0", "f", "no", "N", "", "NaN", "null", "2", "perhaps"]
    columns = [column if name == "adult" else name for name in COLUMNS]
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", [
        list(row(at, "Film", adult=cell).values()) for at, cell in enumerate(written)], columns))
    assert [movie.adult for movie in catalogue.movies] == [True] * 8 + [False] * 11
    assert catalogue.report().endswith("19 kept; unreadable and left empty: 2 in adult")


def test_without_a_column_adult_no_film_is_and_nothing_is_told(tmp_path):
    columns = [name for name in COLUMNS if name != "adult"]
    catalogue = read_catalogue(write_csv(tmp_path / "movies.csv", [row(1, "One")], columns))
    assert (catalogue.movies[0].adult, catalogue.notes, catalogue.unreadable) == (False, [], {})


@pytest.mark.parametrize("names, kept", [
    (["Drama", "", " ", "Crime", "Drama"], ("Drama", "Crime")), (["Sci|Fi"], ("Sci|Fi",)),
    (["\ud83d\ude00", "half \ud83d", "nul\0"], ("\U0001f600", "half \ufffd", "nul"))])
def test_genres_are_cleaned_and_empty_and_doubled_ones_are_dropped(tmp_path, names, kept):
    literal = ascii([{"id": 1, "name": name} for name in names])
    movie, = read(tmp_path, [row(5, "Five", genres=literal)]).movies
    assert movie.genres == kept


def test_an_expression_at_which_the_parser_would_crash_costs_only_the_genres(tmp_path):
    catalogue = read(tmp_path, [row(5, "Five", genres="[{}]".format("+".join(["1"] * 200000)))])
    assert catalogue.movies[0].genres == ()
    assert catalogue.unreadable == {"genres": 1}
