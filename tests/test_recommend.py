"""recommend.py as a user runs it: its table, its JSON, its notes, errors and exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.index import Index
from recommender.storage.feature_store import FeatureReader
from tests.conftest import ROOT
from tests.worlds import only_line, random_layers, row, write_features, write_index

X, Y, Z = np.eye(8)[:3]
FILMS = [
    (row(603, "The Matrix", release_date="1999-03-30", vote_count="9079",
         genres="[{'id': 28, 'name': 'Action'}, {'id': 878, 'name': 'Science Fiction'}]"), X),
    (row(604, "The Matrix Reloaded", release_date="2003-05-15"), X + 0.1 * Y),
    (row(10549, "Hamlet", release_date="1996-12-25", vote_count="90"), Y),
    (row(23383, "Hamlet", release_date="1948-05-06", vote_count="40"), Y + 0.3 * Z),
    (row(10264, "Hamlet", release_date="1990-12-19", vote_count="10"), Y + 0.2 * X),
    (row(129, "千と千尋の神隠し", release_date="", genres="[]"), X + Y),
    (row(194, "Amélie and a Title so Long that No Table Could Hold the Whole of It"), X - Y),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    features = {film["id"]: np.tile(np.float32(vector), (4, 3, 1)) for film, vector in FILMS}
    return write_index(tmp_path_factory.mktemp("world"), [film for film, _ in FILMS], features)


@pytest.fixture
def recommend(run_program, index):
    """Runs recommend.py on the index of this world, or on the one that `args` name."""
    def run(*args, **options):
        chosen = () if "--index" in args else ("--index", index)
        return run_program("recommend.py", *chosen, *args, **options)
    return run


def error_of(result, code):
    assert (result.returncode, result.stdout) == (code, "")
    line = only_line(result.stderr)
    assert line.startswith("recommend.py: error: ")
    return line


def test_the_table_shows_rank_score_title_year_genres_and_id(recommend):
    result = recommend("--title", "the matrix", "-k", "3")
    assert result.returncode == 0
    header, *lines, _ = result.stdout.splitlines()
    assert header.split() == ["rank", "score", "near", "title", "year", "genres", "id"]
    rank, score, near, *rest = lines[0].split()
    assert (rank, score, rest) == ("1", "0.9950", [
        "The", "Matrix", "Reloaded", "2003", "Drama", "604"])
    assert 0 < float(near) < 2
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]
    assert [line.split()[-1] for line in lines] == ["604", "129", "194"]
    assert only_line(result.stderr) == "films like The Matrix (1999, id 603)"


def test_the_columns_of_the_table_stand_under_each_other(recommend):
    header, *lines, _ = recommend("--id", "603").stdout.splitlines()
    assert len(lines) == 6

    def width(text):
        return sum(2 if "\u3000" <= c <= "\u9fff" else 1 for c in text)

    assert {width(line) for line in lines} == {len(header)}
    assert any("…" in line for line in lines)
    assert any("千と千尋の神隠し" in line and "   ?" in line for line in lines)


def test_json_holds_the_query_and_the_results_with_their_fields(recommend):
    result = recommend("--id", "603", "-k", "2", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert set(answer) == {"query", "made_by", "results"}
    assert (answer["query"]["id"], answer["query"]["title"]) == (603, "The Matrix")
    first, second = answer["results"]
    assert (first["rank"], first["id"], first["title"], first["year"], first["genres"]) == (
        1, 604, "The Matrix Reloaded", 2003, ["Drama"])
    assert first["score"] == pytest.approx(1 / 1.01 ** 0.5, abs=1e-6)
    assert (second["rank"], second["id"], second["year"], second["genres"]) == (2, 129, None, [])


def test_json_stays_json_where_a_terminal_cannot_show_its_letters(recommend):
    result = recommend("--id", "603", "--json",
                       env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (result.returncode, result.stderr) == (0, "")
    assert "千と千尋の神隠し" in [film["title"] for film in json.loads(result.stdout)["results"]]


def test_ten_runs_print_the_same(recommend):
    first = recommend("--title", "Hamlet").stdout
    assert first
    assert [recommend("--title", "Hamlet").stdout for _ in range(9)] == [first] * 9


def test_the_film_asked_for_is_not_in_its_own_list(recommend):
    answer = json.loads(recommend("--id", "10549", "-k", "1000", "--json").stdout)
    assert sorted(film["id"] for film in answer["results"]) == sorted(
        film["id"] for film, _ in FILMS if film["id"] != 10549)


def test_of_a_shared_title_the_most_voted_is_taken_and_the_others_are_named(recommend):
    result = recommend("--title", "hamlet", "--json")
    assert json.loads(result.stdout)["query"]["id"] == 10549
    line = only_line(result.stderr)
    assert "taking Hamlet (1996, id 10549)" in line
    assert line.endswith("Hamlet (1948, id 23383), Hamlet (1990, id 10264)")


def test_a_year_picks_among_films_of_one_title(recommend):
    result = recommend("--title", "Hamlet", "--year", "1948", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["query"]["id"] == 23383


def test_a_year_that_no_film_of_the_title_has_finds_nothing(recommend):
    line = error_of(recommend("--title", "Hamlet", "--year", "2000"), 2)
    for what in ("2000", "1996, id 10549", "1990, id 10264", "1948, id 23383"):
        assert what in line


def test_no_match_finds_nothing_and_names_near_titles(recommend):
    line = error_of(recommend("--title", "Hamlett"), 2)
    assert "Hamlet (1996, id 10549)" in line
    assert line.count("id ") <= 5


def test_no_match_and_nothing_near_finds_nothing(recommend):
    assert "near" not in error_of(recommend("--title", "xqzzkvw"), 2)


def test_an_id_that_is_not_there_finds_nothing(recommend):
    assert "no movie with id 7 " in error_of(recommend("--id", "7"), 2)


def ids(result):
    return [film["id"] for film in json.loads(result.stdout)["results"]]


@pytest.mark.parametrize("flags, wanted", [
    (("--genres", "Drama"), [604, 194, 10264, 10549, 23383]),
    (("--genres", "action, Science Fiction"), []),
    (("--to", "1999"), [194, 10264, 10549, 23383]), (("--from", "2003"), [604]),
    (("--from", "1990", "--to", "1996"), [10264, 10549]), (("--min-votes", "100"), [604, 129, 194]),
    (("--same-genre",), [])])
def test_filters_narrow_what_is_near(recommend, flags, wanted):
    result = recommend("--id", "603", "--json", *flags)
    if wanted:
        assert (result.returncode, ids(result)) == (0, wanted)
        return
    assert error_of(result, 2) == ("recommend.py: error: no film meets all of the filters: leave "
                                   "one out")


def test_fewer_films_than_asked_for_are_told(recommend):
    result = recommend("--id", "603", "--min-votes", "100", "-k", "4")
    assert result.stderr.splitlines()[-1] == "the filters leave only 3 films"
    assert "leave" not in recommend("--id", "603", "--min-votes", "100", "-k", "3").stderr


def test_a_genre_alone_lists_the_best_rated(recommend):
    result = recommend("--genres", "Drama,Science Fiction", "--any-genre", "--json")
    films = json.loads(result.stdout)["results"]
    assert len(films) == 6
    assert [film["score"] for film in films] == sorted(
        (film["score"] for film in films), reverse=True)
    assert all(film["score"] == pytest.approx(film["weighted_rating"], abs=0.005)
               for film in films)
    assert only_line(recommend("--genres", "Drama", "-k", "5").stderr) == (
        "the best rated films; their score is IMDb's weighted rating, from 0 to 10")


def test_an_unknown_genre_names_the_known_ones(recommend):
    line = error_of(recommend("--id", "603", "--genres", "Horror"), 2)
    assert line.endswith("no film is of the genre 'Horror'; there are Action, Drama, "
                         "Science Fiction")


def test_several_wishes_and_one_not_wanted_are_all_told_and_left_out(recommend):
    query = ("--title", "the matrix", "--title", "Hamlet (1948)", "--not", "Hamlet (1990)")
    result = recommend(*query, "--json")
    answer = json.loads(result.stdout)
    assert result.stderr == ""
    assert [film["id"] for film in answer["query"]["wishes"]] == [603, 23383]
    assert [film["id"] for film in answer["not"]] == [10264]
    assert sorted(ids(result)) == [129, 194, 604, 10549]
    assert ids(result)[0] == 604
    assert recommend(*query).stderr == (
        "films like The Matrix (1999, id 603) and Hamlet (1948, id 23383), "
        "unlike Hamlet (1990, id 10264)\n")


def test_json_tells_filters_and_variety_that_were_asked_for(recommend):
    result = recommend("--id", "603", "--to", "1999", "--genres", "Drama", "--diverse", "0.5",
                       "--json")
    answer = json.loads(result.stdout)
    assert list(answer) == ["query", "filters", "diverse", "made_by", "results"]
    assert (answer["filters"], answer["diverse"]) == ({"genres": ["Drama"], "year_to": 1999}, 0.5)
    assert answer["query"]["id"] == 603


def test_variety_puts_another_film_second(recommend):
    plain, varied = (ids(recommend("--id", "10549", "-k", "2", "--json", "--diverse", diverse))
                     for diverse in ("0", "0.7"))
    assert plain == [10264, 23383]
    assert varied == [10264, 194]


def test_an_explanation_needs_features_and_says_so(recommend, tmp_path):
    line = error_of(recommend("--id", "603", "--explain", "--features", tmp_path / "none"), 1)
    assert "there is no folder {}".format(tmp_path / "none") in line
    assert "--features" in line
    line = error_of(recommend("--genres", "Drama", "--explain"), 2)
    assert "name a film or give a text" in line


@pytest.fixture(scope="module")
def index_of_words(index):
    """The same films as TF-IDF."""
    folder = Path(index).parent
    path = str(folder / "words.h5")
    build_index(read_catalogue(str(folder / "movies.csv")),
                FeatureReader(str(folder / "features")), path, ["tfidf"])
    return path


def test_an_explanation_marks_the_words_that_carried_the_match(recommend, index_of_words):
    result = recommend("--index", index_of_words, "--id", "603", "-k", "1", "--explain")
    assert result.returncode == 0
    table, explained = result.stdout.split("\n\n")
    assert "The Matrix Reloaded" in table
    score = table.splitlines()[1].split()[1]
    assert " ".join(explained.split()) == (
        "1. The Matrix Reloaded: score {0} The Matrix (1999, id 603): What happens in *The* "
        "*Matrix* (603). [overview {0}] The Matrix Reloaded: What happens in "
        "*The* **Matrix** Reloaded (604). [overview {0}]".format(score))


def test_shares_in_json_add_up_to_the_score(recommend, index_of_words):
    result = recommend("--index", index_of_words, "--title", "Hamlet (1996)", "--overview",
                       "the matrix reloaded", "--not", "the matrix", "--explain", "--json")
    films = json.loads(result.stdout)["results"]
    assert films[0]["score"] > 0
    for film in films:
        why = film["why"]
        assert len(why["asked"]) == 3
        for shares in (sum(why["asked"], []), why["found"]):
            assert sum(share["share"] for share in shares) == pytest.approx(film["score"],
                                                                            abs=2e-6)
        assert all(film["overview"][share["start"]:share["end"]] == share["word"]
                   for share in why["found"])
    not_wanted = [share for film in films for share in film["why"]["asked"][2]]
    assert min(share["share"] for share in not_wanted) < 0
    assert max(share["share"] for share in not_wanted) <= 0


@pytest.mark.parametrize("flag, value", [("--title", "Hamlet"), ("--id", "603"),
                                         ("--title", "Hamlett"), ("--genres", "Drama")])
def test_title_id_and_filters_import_neither_tensorflow_nor_pandas(index, flag, value):
    code = ("import atexit, sys, runpy\n"
            "atexit.register(lambda: print('LOADED', *sorted(sys.modules)))\n"
            "sys.argv[0] = 'recommend.py'\n"
            "runpy.run_path('recommend.py', run_name='__main__')\n")
    result = subprocess.run([sys.executable, "-c", code, "--index", index, flag, value], cwd=ROOT,
                            stdout=subprocess.PIPE, encoding="utf-8", check=False, timeout=60)
    loaded = result.stdout.partition("LOADED ")[2].split()
    assert "recommender.index" in loaded
    heavy = {"tensorflow", "tensorflow_core", "pandas", "sklearn", "scipy", "flask", "tokenizers"}
    assert sorted(heavy.intersection(loaded)) == []


def test_an_index_that_is_not_there_is_one_line(recommend, tmp_path):
    line = error_of(recommend("--index", tmp_path / "none.h5", "--id", "603"), 1)
    assert str(tmp_path / "none.h5") in line
    assert "build_index.py" in line


def test_a_file_that_is_no_hdf5_is_one_line(recommend, tmp_path):
    (tmp_path / "index.h5").write_text("id,title\n")
    line = error_of(recommend("--index", tmp_path / "index.h5", "--id", "603"), 1)
    assert "not a whole HDF5 file" in line


def test_an_hdf5_file_that_is_no_index_is_one_line(recommend, tmp_path):
    with h5py.File(str(tmp_path / "other.h5"), "w") as file:
        file["x"] = [1]
    write_features(tmp_path, {1: random_layers(3, 1)})
    for name in ("other.h5", "features.h5"):
        line = error_of(recommend("--index", tmp_path / name, "--id", "603"), 1)
        assert "not an index" in line


@pytest.mark.parametrize("args, what", [
    ((), "--title"), (("--title",), "--title"), (("--id", "x"), "--id"), (("--id", "-1"), "--id"),
    (("--id", "1", "-k", "0"), "-k"),
    (("--id", "1", "-k", "1001"), "-k"), (("--id", "1", "-k", "ten"), "-k"),
    (("--id", "1", "--year", "1999"), "--year"), (("--title", "a", "--year", "99"), "--year"),
    (("--overview", "  "), "--overview"), (("--title", " "), "--title"), (("--titel", "a"), ""),
    (("--title", "a", "--title", "b", "--year", "1999"), "--year"),
    (("--id", "1", "--genres", "Drama,,Comedy"), "--genres"), (("--genres", ""), "--genres"),
    (("--id", "1", "--from", "99"), "--from"), (("--id", "1", "--to", "x"), "--to"),
    (("--id", "1", "--top-rated", "0"), "--top-rated"), (("--not", "a"), "--title"),
    (("--id", "1", "--min-votes", "-1"), "--min-votes"),
    (("--id", "1", "--language", ""), "--language"),
    (("--id", "1", "--diverse", "1.5"), "--diverse"), (("--diverse", "0.5"), "--title")])
def test_wrong_usage_is_one_line_that_names_the_flag_and_exit_2(recommend, args, what):
    line = error_of(recommend(*args), 2)
    assert what in line
    assert "--help" in line


def test_help_tells_every_flag(recommend):
    result = recommend("--help")
    assert (result.returncode, result.stderr) == (0, "")
    for flag in ("--index", "--title", "--id", "--overview", "--not", "--year", "--genres",
                 "--any-genre", "--same-genre", "--top-rated", "--min-votes", "--from", "--to",
                 "--language", "-k", "--diverse", "--explain", "--features", "--json"):
        assert flag in result.stdout


@pytest.mark.parametrize("flags", ["--id 603", "--id 603 --json"])
def test_output_into_a_pipe_that_closes_leaves_no_traceback(index, flags):
    command = '"$0" recommend.py --index "$1" {} 2>"$2" | head -0; echo ${{PIPESTATUS[0]}}'
    errors = index + ".stderr"
    result = subprocess.run(["bash", "-c", command.format(flags), sys.executable, index, errors],
                            cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=False,
                            timeout=60)
    assert result.stdout == "0\n"
    told = Path(errors).read_text(encoding="utf-8")
    assert told in ("", "films like The Matrix (1999, id 603)\n")


def test_a_title_needs_no_flag_and_no_quotes(recommend):
    expected = recommend("--title", "The Matrix", "--json").stdout
    assert json.loads(expected)["query"]["id"] == 603
    assert recommend("The Matrix", "--json").stdout == expected
    assert recommend("the", "matrix", "--json").stdout == expected


def test_a_title_without_a_flag_that_fits_no_film_names_near_ones_and_the_flag_for_texts(recommend):
    told = error_of(recommend("The Matrx"), 2)
    assert "near: The Matrix (1999, id 603)" in told
    assert "--overview" in told
    assert "the title is empty" in error_of(recommend(" "), 2)


def test_without_an_index_of_their_own_people_get_the_samples(run_program, index, tmp_path):
    (tmp_path / "data").mkdir()
    assert "no index at data/index.h5" in error_of(run_program(
        "recommend.py", "Hamlet", cwd=str(tmp_path)), 1)
    sample = tmp_path / "data" / "sample_index.h5"
    sample.write_bytes(Path(index).read_bytes())
    result = run_program("recommend.py", "The Matrix", cwd=str(tmp_path))
    assert result.returncode == 0
    assert result.stderr.splitlines()[0] == (
        "there is no data/index.h5: taking data/sample_index.h5, the index of the sample catalogue")
    sample.rename(tmp_path / "data" / "index.h5")
    result = run_program("recommend.py", "The Matrix", cwd=str(tmp_path))
    assert result.stderr == "films like The Matrix (1999, id 603)\n"


def test_an_index_knows_the_folder_of_its_features_also_when_both_are_moved(index, tmp_path):
    folder = Path(index).parent
    assert os.path.samefile(Index(index).features_folder, str(folder / "features"))
    (tmp_path / "features").mkdir()
    (tmp_path / "index.h5").write_bytes(Path(index).read_bytes())
    assert os.path.samefile(Index(str(tmp_path / "index.h5")).features_folder,
                            str(tmp_path / "features"))
