"""Approximate search: nearly all of what a comparison with all films finds, at the same scores."""

import os
import re
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest

import build_index
from benchmarks.scale import search
from recommender import ann_building, candidates
from recommender.ann import KINDS, NoFaiss, build_ann, load_faiss
from recommender.candidates import Candidates
from recommender.catalogue import read_catalogue
from recommender.comparing import compare
from recommender.filters import Filters
from recommender.index import Index
from recommender.many import similar_many
from recommender.neighbours import nearest_films, share_found
from recommender.postings import postings_of
from recommender.printing import comparison
from recommender.query_vectors import query_vector
from recommender.ranking import nearest_rows, unit
from recommender.recommender import Recommender
from recommender.storage.feature_store import FeatureReader
from recommender.updating import update_index
from recommender.words import sparse_rows
from serving.app import create_app
from serving.library import Library
from tests.conftest import ROOT
from tests.served import FakeTexts
from tests.worlds import random_layers, row, write_csv, write_index

N = 12_000
WORDS = ["word{}".format(n) for n in range(4000)]
K = 10


def clustered(n, width, seed=0):
    """Unit rows around fifty centres."""
    draw = np.random.RandomState(seed)
    centres = draw.standard_normal((50, width))
    rows = centres[draw.randint(0, 50, n)] + 0.7 * draw.standard_normal((n, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_words(n, seed=0):
    """Words of n films, rare and frequent ones, with second values for texts."""
    draw = np.random.RandomState(seed)
    rows = []
    for _ in range(n):
        columns = np.unique((len(WORDS) * draw.random_sample(20) ** 2).astype(int))
        rows.append((columns, draw.random_sample(len(columns)).astype(np.float32) / 4))
    words = sparse_rows(rows, len(WORDS))
    return words._replace(text_data=words.data[::-1].copy())


def recall(candidates, dense, words, vectors, counts):
    """The share of the nearest rows that candidates hold; each has the same cosine as by all."""
    n_found, n_by_all = 0, 0
    for vector in vectors:
        rows, cosines = nearest_rows(dense, words, vector, K, counts)
        near = candidates.nearest(vector, K, counts)
        n_by_all += near is None
        found, theirs = near or (rows, cosines)
        assert counts[found].all()
        assert (np.diff(theirs) <= 0).all()
        exact = dict(zip(rows.tolist(), cosines.tolist()))
        same = {at: cosine for at, cosine in zip(found.tolist(), theirs.tolist()) if at in exact}
        assert same == {at: exact[at] for at in same}
        n_found += len(same)
    assert n_by_all < 0.3 * len(vectors)
    return n_found / K / len(vectors)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.01])
@pytest.mark.parametrize("kind", KINDS)
def test_nearly_all_of_the_nearest_are_found_with_the_same_cosines(kind, share):
    dense, asked = clustered(N, 24), clustered(60, 24, 0)
    counts = np.random.RandomState(1).random_sample(N) < share
    candidates = Candidates(dense, None, build_ann(dense, kind), None, 64)
    assert recall(candidates, dense, None, asked, counts) >= (0.97 if share > 0.1 else 1)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.01])
@pytest.mark.parametrize("of", ["films", "texts", "both"])
def test_words_are_found_by_the_inverted_file(of, share):
    words = random_words(N)
    dense = clustered(N, 24) * np.sqrt(1 - np.square(words.lengths()))[:, None].astype(np.float32)
    counts = np.random.RandomState(1).random_sample(N) < share
    candidates = Candidates(dense, words, build_ann(dense, "hnsw"), postings_of(words), 64)
    rows = np.random.RandomState(2).randint(0, N, 40)
    zeros = np.zeros(words.width, np.float32)
    parts = {"films": lambda at: [words.row(at), zeros], "texts": lambda at: [zeros, words.row(at)],
             "both": lambda at: [words.row(at), words.row(at - 1)]}[of]
    asked = [np.concatenate([dense[at], *parts(at)]) for at in rows]
    assert recall(candidates, dense, words, asked, counts) >= (0.97 if share > 0.1 else 1)


def test_words_alone_need_no_faiss():
    words, dense = random_words(N), np.zeros((N, 0), np.float32)
    candidates = Candidates(dense, words, None, postings_of(words), 64)
    asked = [np.append(words.row(at), np.zeros(words.width, np.float32)) for at in range(50)]
    assert recall(candidates, dense, words, asked, np.ones(N, bool)) == 1


def test_a_filter_that_only_far_films_meet_is_answered_as_by_all():
    dense = clustered(N, 24)
    candidates = Candidates(dense, None, build_ann(dense, "hnsw"), None, 64)
    for vector in dense[:20]:
        counts = dense @ vector < np.median(dense @ vector)
        found = candidates.nearest(vector, K, counts)
        if found is not None:
            assert found[0].tolist() == nearest_rows(dense, None, vector, K, counts)[0].tolist()


def test_the_inverted_file_gives_the_products_of_the_rows():
    words = random_words(200)
    vector = np.random.RandomState(3).standard_normal(2 * words.width).astype(np.float32)
    found = postings_of(words).scores(query_vector(vector, 0), 200)
    np.testing.assert_allclose(found, words.dot(unit(vector)), atol=1e-5)
    assert postings_of(words).is_whole(words)
    assert not postings_of(words)._replace(rows=postings_of(words).rows + 200).is_whole(words)


def test_the_rarest_words_that_make_up_a_part_of_a_query_count():
    # The words are in 4, 2, 1 and 3 films.
    words = sparse_rows(((np.array(columns), np.ones(len(columns))) for columns in (
        [0, 1, 2, 3], [0, 1, 3], [0, 3], [0])), 4)._replace(text_data=np.full(10, 10.0))
    of_film = query_vector(np.array([0.6, 0.2, 0.4, 0.2], np.float32), 0)
    squares = {2: 0.16 / 0.6, 1: 0.2 / 0.6, 3: 0.24 / 0.6, 0: 1}  # from the rarest on
    scores = postings_of(words).scores
    for n_counting, column in enumerate((2, 1, 3, 0), 1):
        counting = np.isin(np.arange(4), (2, 1, 3, 0)[:n_counting])
        expected = words.dot(np.where(counting, of_film.words(), 0))
        np.testing.assert_allclose(scores(of_film, 4, squares[column] - 1e-3), expected, atol=1e-6)
    of_text = query_vector(np.append(np.zeros(4), [3, 0, 1, 0]), 0)
    np.testing.assert_allclose(scores(of_text, 4, 0.05), [10 / 10 ** 0.5, 0, 0, 0], atol=1e-6)


def test_threads_that_search_at_once_find_the_same():
    dense = clustered(N, 24)
    ann = build_ann(dense, "hnsw")
    expected = [ann.search(dense[at:at + 1], K, 64).tolist() for at in range(100)]
    found = {}

    def search(number):
        found[number] = [ann.search(dense[at:at + 1], K, 64).tolist() for at in range(100)]

    threads = [threading.Thread(target=search, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[number] == expected for number in range(4))


@pytest.fixture(scope="module")
def few():
    """Approximate search also for few films."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ann_building, "FEWEST", 1000)
        patch.setattr(candidates, "_LEAST", 40)
        yield


@pytest.fixture(scope="module")
def paths(tmp_path_factory, few):
    """Paths of two indexes of the same films, without approximate search and with it."""
    draw = np.random.RandomState(4)
    films = [row(n, "Film {}".format(n), vote_count=str(n), overview=" ".join(
        WORDS[int(400 * place ** 2)] for place in draw.random_sample(20)))
        for n in range(1, 1501)]
    features = {n: random_layers(1, n % 1400) for n in range(1, 1501)}
    return [write_index(tmp_path_factory.mktemp("ann"), films, features,
                        recipes=("mean4", "best", "tfidf"), ann=ann) for ann in (None, "hnsw")]


def test_an_update_keeps_the_kind_of_approximate_search(tmp_path, few):
    films = [row(n, "Film {}".format(n)) for n in range(1, 1202)]
    path = write_index(tmp_path, films, {n: random_layers(1, n) for n in range(1, 1202)},
                       ann="hnsw")
    before = Index(path).companions
    catalogue = write_csv(tmp_path / "movies.csv", films[:-1])
    update_index(read_catalogue(catalogue), FeatureReader(str(tmp_path / "features")), path)
    index = Index(path)
    assert index.ann == "hnsw"
    assert index.companions != before
    assert len(Recommender(index).similar(id=7)) == 10


def test_the_program_says_what_share_is_found_or_why_it_is_left_out(tmp_path, few, capsys):
    films = [row(n, "Film {}".format(n)) for n in range(1, 1102)]
    write_index(tmp_path, films, {n: random_layers(1, n) for n in range(1, 1102)})
    flags = ["--input_file", tmp_path / "movies.csv", "--features", tmp_path / "features",
             "--recipe", "mean4", "--ann", "hnsw", "--output", tmp_path / "index.h5"]
    assert build_index.main([str(flag) for flag in flags]) == 0
    assert re.search(r"approximate search \(hnsw\) finds of the ten nearest films "
                     r"(100|9\d)\.\d% by mean4$", capsys.readouterr().err, re.MULTILINE)
    write_csv(tmp_path / "movies.csv", films[:20])
    assert build_index.main([str(flag) for flag in flags]) == 0
    assert "--ann is left out: 20 films are compared as soon" in capsys.readouterr().err


def test_the_program_says_before_all_else_that_faiss_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(NoFaiss, match="`make faiss-env` installs it"):
        build_index.main(["--input_file", str(tmp_path / "none.csv"), "--ann", "ivfpq"])


@pytest.fixture(scope="module")
def both(paths):
    return [Recommender(Index(path), FakeTexts()) for path in paths]


ASKED = [{"id": 7}, {"id": 9, "k": 40}, {"id": [7, 90]}, {"id": 7, "unlike_id": 90},
         {"id": 7, "diverse": 0.5}, {"id": 11, "min_votes": 700}, {"id": 11, "min_votes": 1480},
         {"overview": "word3 word77 word120"}, {"id": 5, "overview": "word9 word200"},
         {"overview": ["word30 word90", "word300"], "unlike_id": 4, "min_votes": 100},
         {"id": 3, "k": 1499}]


@pytest.mark.parametrize("recipe", ["mean4", "best", "tfidf"])
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_an_index_with_it_answers_as_one_without(both, recipe, asked):
    exact, found = (each.similar(recipe=recipe, **asked) for each in both)
    ids = {each.movie["id"]: each.score for each in exact}
    same = [each for each in found if each.movie["id"] in ids]
    assert len(found) == len(exact)
    assert len(same) >= 0.9 * len(exact)
    assert all(each.score == ids[each.movie["id"]] for each in same)


def test_queries_that_it_answers_compare_no_film_with_all(both, monkeypatch):
    def compare(*_):
        raise AssertionError("all films were compared")

    monkeypatch.setattr("recommender.spaces.nearest_rows", compare)
    monkeypatch.setattr("recommender.many.Products", compare)
    for asked in ({"id": 7}, {"id": 7, "min_votes": 1480}, {"id": [7, 8]}, {"overview": "word3"}):
        assert len(both[1].similar(**asked)) == 10
    assert similar_many(both[1], [{"id": 7}, {"id": 8}]) == [
        both[1].similar(id=7), both[1].similar(id=8)]


def test_a_comparison_ranks_only_the_nearest_where_approximate_search_finds_them(both):
    exact, _ = (compare(each, each.wishes(id=7), k=5) for each in both)
    found = compare(both[1], both[1].wishes(id=7), k=5)
    n_same = 0
    for ours, theirs in zip(found, exact):
        assert (ours.ranks_to, theirs.ranks_to) == (5, None)
        assert all(rank is None or rank <= 5 for _, rank in ours.ranked)
        rank_of = {result.movie["id"]: rank for result, rank in theirs.ranked}
        n_same += sum(rank == (rank_of[result.movie["id"]] if rank_of.get(
            result.movie["id"], 99) <= 5 else None) for result, rank in ours.ranked)
    assert n_same >= 9
    assert any(rank is None for each in found for _, rank in each.ranked)
    few_left = compare(both[1], both[1].wishes(id=7), filters=Filters(min_votes=1480))
    assert [each.ranks_to for each in few_left] == [None, None]
    assert all(rank for each in few_left for _, rank in each.ranked)


def test_a_rank_beyond_those_that_were_found_is_shown_as_such(both):
    client = create_app(Library(both[1].index, FakeTexts())).test_client()
    lists = client.get("/api/v1/compare?id=7&k=5").get_json()["lists"]
    assert [each["ranks_to"] for each in lists] == [5, 5]
    assert None in [film["rank_in_other"] for film in lists[0]["results"]]
    shown = comparison(compare(both[1], both[1].wishes(id=7), k=5), 100)
    assert shown.count(">5") == [film["rank_in_other"] for each in lists
                                  for film in each["results"]].count(None)


def test_whether_anything_near_was_found_is_told_alike(both):
    notes = []
    for each in both:
        wishes = each.wishes(overview="word3", recipe="best")
        notes.append(each.notes(wishes, each.recommend(wishes), Filters()))
    assert notes[0] == notes[1]


def test_the_build_measures_what_is_found(paths):
    index = Index(paths[1])
    assert index.ann == "hnsw"
    assert Index(paths[0]).ann is None
    for recipe in index.recipes:
        assert 0.97 <= index.space(recipe).candidates.recall <= 1
    assert sorted(index.companions) == ["hnsw-best", "hnsw-mean4"]


@pytest.mark.parametrize("joins", [False, True])
def test_stored_neighbours_are_found_among_candidates(joins):
    words = random_words(1200) if joins else None
    dense = clustered(1200, 24)
    if words is not None:
        dense = dense * np.sqrt(1 - np.square(words.lengths()))[:, None].astype(np.float32)
    candidates = Candidates(dense, words, build_ann(dense, "hnsw"), joins and postings_of(words)
                            or None, 32)
    rows, cosines = nearest_films(dense, words, K, candidates=candidates)
    assert share_found(rows, dense, words) >= 0.97
    exact, theirs = nearest_films(dense, words, K)
    assert share_found(exact, dense, words) == 1
    for at in range(0, 1200, 50):
        same = np.isin(rows[at], exact[at])
        assert set(cosines[at, same]) <= set(theirs[at])


def test_a_build_tells_what_share_of_the_neighbours_is_stored(tmp_path, few):
    films = [row(n, "Film {}".format(n)) for n in range(1, 1102)]
    path = write_index(tmp_path, films, {n: random_layers(1, n) for n in range(1, 1102)},
                       n_neighbours=12, ann="hnsw")
    space = Index(path).space()
    assert 0.97 <= space.candidates.neighbours_recall <= 1
    assert space.nearest_to_film(5, 10, np.ones(1101, bool))[0].tolist() == [
        each for each in nearest_rows(*space.all_rows(), space.embedding(5), 11,
                                      np.ones(1101, bool))[0].tolist() if each != 5][:10]


def test_few_films_are_compared_whole(tmp_path):
    path = write_index(tmp_path, [row(1, "Heat"), row(2, "Jaws")], ann="hnsw")
    index = Index(path)
    assert (index.ann, index.companions, index.space().candidates.recall) == (None, {}, None)


def answers(path):
    index = Index(path)
    recommender = Recommender(index, FakeTexts())
    return [recommender.similar(recipe=recipe, **asked)
            for recipe in index.recipes for asked in ASKED[:3]]


def test_without_faiss_all_films_are_compared_and_one_line_says_so(paths, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(NoFaiss, match="cannot be imported .*: `make faiss-env` installs it"):
        load_faiss()
    assert answers(paths[1]) == answers(paths[0])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2  # of two recipes with embeddings
    assert all("`make faiss-env` installs it; until then all films are compared" in line
               for line in lines)


def copied(path, folder):
    """The path of a copy of an index with its companions in another folder."""
    for each in [path, *(companion.path for companion in Index(path).companions.values())]:
        shutil.copy(each, str(folder))
    return str(folder / os.path.basename(path))


@pytest.mark.parametrize("damage, told", [
    (os.remove, "No such file"), (lambda path: os.truncate(path, 100), "has 100 bytes instead of"),
    (lambda path: overwrite(path, b"x" * 9), "does not have the checksum in its name")])
def test_a_companion_that_is_lost_is_told_and_all_films_are_compared(
        paths, tmp_path, damage, told, capsys):
    copy = copied(paths[1], tmp_path)
    for companion in Index(copy).companions.values():
        damage(companion.path)
    assert answers(copy) == answers(paths[0])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(told in line and "build the index again" in line for line in lines)


def overwrite(path, content):
    with open(path, "r+b") as file:
        file.seek(200)
        file.write(content)


def test_an_open_index_answers_when_a_build_has_removed_its_companions(paths, tmp_path):
    recommender = Recommender(Index(copied(paths[1], tmp_path)))
    for name in os.listdir(str(tmp_path)):
        os.remove(str(tmp_path / name))
    assert recommender.similar(id=7) == Recommender(Index(paths[1])).similar(id=7)
    assert recommender.index.space().candidates.read(
        *recommender.index.space().all_rows()).greatest_product(
            recommender.index.space().embedding(6)) > 0.99


def test_faiss_is_loaded_only_where_it_is_used(paths):
    code = "import sys, recommend\nrecommend.main(['--index', {!r}, '--id', '7'])\n" \
           "print('faiss' in sys.modules)"
    for path, loads in zip(paths, ("False", "True")):
        done = subprocess.run([sys.executable, "-c", code.format(path)], cwd=ROOT, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True)
        assert done.stdout.splitlines()[-1:] == [loads], done.stderr


def test_made_up_vectors_lie_as_those_of_the_sample(sample, monkeypatch):
    monkeypatch.setattr(search, "SAMPLE_INDEX", sample.index)
    real = Index(sample.index).space("mean4").all_rows()[0]
    made = search.made_up("mean4", len(real)).dense
    for rows in (real, made):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    middles = []
    for rows in (real, made):
        cosines = rows @ rows.T
        np.fill_diagonal(cosines, np.nan)
        middles.append([np.nanmedian(cosines), np.median(np.nanmax(cosines, axis=1))])
    np.testing.assert_allclose(*middles, atol=0.04)


def test_the_measurement_of_the_search_prints_its_lines(sample, monkeypatch, few):
    monkeypatch.setattr(search, "SAMPLE_INDEX", sample.index)
    lines = search.measure("best", "hnsw", 2000)
    assert len(lines) == 4
    assert all("best hnsw" in line for line in lines)
    assert float(re.findall(r"recall@10 (\S+),", lines[1])[0]) >= 0.97
    assert float(re.findall(r"recall@10 (\S+),", lines[2])[0]) == 1
    films = search.made_up("mean4", 2000)
    told = search.at_recall(films, build_ann(films.dense, "hnsw"), 0.9)
    recall, effort = re.findall(r"recall@10 (\S+) at effort (\d+)", told)[0]
    assert float(recall) >= 0.9 and int(effort) < 64
