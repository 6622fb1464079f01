"""Recipes: each does what its source says, films and texts alike, and the same every time."""

import json

import h5py
import numpy as np
import pytest

from recommender.building import build_index, features_by_row
from recommender.catalogue import read_catalogue
from recommender.errors import NothingFound, RecommenderError
from recommender.index import Index
from recommender.recipes import RECIPES, make_recipe
from recommender.source import Source
from recommender.storage.feature_store import FeatureReader, FeatureWriter, overview_digest
from tests.worlds import SETTINGS, random_layers, row, search, write_csv

GENRES = ["[{'id': 18, 'name': 'Drama'}]", "[]", "[{'id': 35, 'name': 'Comedy'}]",
          "[{'id': 18, 'name': 'Drama'}, {'id': 35, 'name': 'Comedy'}]"]
WORDS = ["shark", "beach", "town", "summer", "hunt", "boat", "captain", "war", "spy", "train",
         "night", "city", "love", "dog"]
N = 12


def films():
    draw = np.random.RandomState(0)
    return [row(at, "The {}".format(" ".join(draw.choice(WORDS, 2))), genres=GENRES[at % 4],
                overview=" ".join(draw.choice(WORDS, 8)) + " {}".format(at))
            for at in range(1, N + 1)]


def features_of(movie_id):
    """Layers and tokens; the tokens 101 and 102 are in every film."""
    draw = np.random.RandomState(movie_id)
    n_tokens = 3 + movie_id % 4
    token_ids = np.concatenate([[101], draw.randint(0, 9, n_tokens - 2), [102]]).astype(np.int32)
    return random_layers(n_tokens, movie_id) + 0.5, token_ids


def write_world(folder, rows, settings=SETTINGS, order=1):
    """A catalogue and the features of its films, stored in its order or turned round."""
    catalogue = read_catalogue(write_csv(folder / "movies.csv", rows))
    with FeatureWriter(str(folder / "features"), settings) as writer:
        for movie in catalogue.movies[::order]:
            layers, token_ids = features_of(movie.id)
            writer.add(movie.id, layers, token_ids, overview_digest(movie.overview))
    return catalogue, FeatureReader(str(folder / "features"))


@pytest.fixture
def world(tmp_path):
    return write_world(tmp_path, films())


def fitted(world, name, **options):
    """The recipe, and the dense rows of all films before they are brought to length 1."""
    catalogue, reader = world
    recipe = make_recipe(name, reader.settings, **options)
    rows, _ = recipe.fit(catalogue.movies, lambda: features_by_row(catalogue.movies, reader))
    return recipe, rows


def build(world, path, name, **options):
    build_index(*world, str(path), [name], **options)
    return Index(str(path))


def pooled(weigh=None, layer=0):
    """The mean over tokens of one layer of every film, weighted."""
    found = []
    for movie_id in range(1, N + 1):
        layers, token_ids = features_of(movie_id)
        weights = np.ones(len(token_ids)) if weigh is None else weigh(token_ids)
        found.append(weights @ layers[layer].astype(np.float64) / weights.sum())
    return np.array(found)


def units(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_mean4_is_the_mean_over_layers_and_tokens_to_the_last_digit(world):
    _, rows = fitted(world, "mean4")
    for at, found in enumerate(rows, 1):
        mean = features_of(at)[0].mean(axis=(0, 1), dtype=np.float64)
        np.testing.assert_array_equal(found, (mean / np.linalg.norm(mean)).astype(np.float32))


@pytest.mark.parametrize("name, layers, places", [
    ("last", None, [0]), ("mean", [-1, -2], [0, 1]), ("mean", [-4, -2], [3, 1]),
    ("mean", None, [0, 1, 2, 3])])
def test_layers_are_those_asked_for(world, name, layers, places):
    _, rows = fitted(world, name, layers=layers)
    wanted = [features_of(at)[0][places].mean(axis=(0, 1)) for at in range(1, N + 1)]
    np.testing.assert_allclose(rows, units(np.array(wanted)), atol=1e-6)


def test_centred_takes_the_mean_of_all_films_away(world):
    vectors = pooled()
    np.testing.assert_allclose(fitted(world, "centred")[1], units(vectors - vectors.mean(axis=0)),
                               atol=1e-6)


def test_whitened_makes_all_directions_uncorrelated_and_alike(world):
    recipe, rows = fitted(world, "whitened")
    white = recipe.parts[0][1].transform(pooled())
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(white.T @ white / N, np.eye(8), atol=1e-9)
    np.testing.assert_allclose(rows, units(white), atol=1e-6)


def test_whitened_leaves_out_directions_in_which_films_do_not_differ(tmp_path):
    recipe, rows = fitted(write_world(tmp_path, films()[:5]), "whitened")
    assert rows.shape == (5, 4)  # five films span four directions around their mean
    assert np.isfinite(rows).all()


def test_abtt_takes_away_the_direction_in_which_films_differ_most(world):
    vectors = pooled()
    centred = vectors - vectors.mean(axis=0)
    top = np.linalg.svd(centred)[2][0]
    np.testing.assert_allclose(fitted(world, "abtt")[1],
                               units(centred - np.outer(centred @ top, top)), atol=1e-6)


def counts(count):
    """Return in how many films a token is, or how often in all of them."""
    found = np.zeros(103)
    for movie_id in range(1, N + 1):
        token_ids = features_of(movie_id)[1]
        np.add.at(found, np.unique(token_ids) if count == "films" else token_ids, 1)
    return found


def test_idf_weighs_a_token_by_the_films_that_have_it(world):
    weights = np.log((1 + N) / (1 + counts("films"))) + 1
    recipe, rows = fitted(world, "idf")
    assert recipe.parts[0][1].arrays["token_weights"][[101, 102]].tolist() == [1, 1]
    np.testing.assert_allclose(rows, units(pooled(lambda ids: weights[ids])), atol=1e-6)


def test_sif_weighs_by_frequency_and_takes_the_common_direction_away(world):
    frequency = counts("tokens")
    weights = 1e-3 / (1e-3 + frequency / frequency.sum())
    vectors = pooled(lambda ids: weights[ids])
    common = np.linalg.svd(vectors)[2][0]
    np.testing.assert_allclose(fitted(world, "sif")[1],
                               units(vectors - np.outer(vectors @ common, common)), atol=1e-6)


@pytest.mark.parametrize("name", ["idf", "sif"])
def test_a_token_that_no_film_has_weighs_most(world, name):
    recipe, _ = fitted(world, name)
    part = recipe.parts[0][1]
    layers, token_ids = features_of(1)
    token_ids[1] = 30000
    shares = part.shares(token_ids)
    assert shares.argmax() == 1
    assert shares.sum() == pytest.approx(1)


def cosines(index):
    rows = np.array([index.space().embedding(at) for at in range(len(index))], np.float64)
    return rows @ rows.T


def test_a_joined_cosine_is_the_weighted_mean_of_the_parts(world, tmp_path):
    bert = cosines(build(world, tmp_path / "bert.h5", "centred"))
    words = cosines(build(world, tmp_path / "words.h5", "tfidf"))
    joined = cosines(build(world, tmp_path / "joined.h5", "hybrid", word_weight=0.3))
    np.testing.assert_allclose(joined, 0.7 * bert + 0.3 * words, atol=1e-6)
    with h5py.File(str(tmp_path / "joined.h5"), "r") as file:
        (name, parts), = json.loads(file.attrs["recipes"])
    assert (name, [part["weight"] for part in parts]) == ("hybrid", [0.7, 0.3])


def test_a_film_without_genres_is_compared_by_what_it_has(world, tmp_path):
    titled, best = (cosines(build(world, tmp_path / name, name)) for name in ("titled", "best"))
    without = [at for at in range(N) if GENRES[(at + 1) % 4] == "[]"]
    np.testing.assert_allclose(best[np.ix_(without, without)],
                               titled[np.ix_(without, without)], atol=1e-6)
    comedy, drama = 1, 3  # rows of films 2 and 4
    assert best[comedy, drama] < titled[comedy, drama]


@pytest.mark.parametrize("name", RECIPES)
def test_rows_have_length_1_and_a_text_goes_the_way_of_the_films(world, tmp_path, name):
    index = build(world, tmp_path / "index.h5", name)
    for at, movie in enumerate(world[0].movies):
        row = index.space().embedding(at)
        assert np.linalg.norm(row) == pytest.approx(1, abs=1e-6)
        again = index.space().embed(Source(movie.overview, *features_of(movie.id), movie.title,
                                   movie.genres))
        np.testing.assert_allclose(again, row, atol=1e-6)
        assert search(index, row, 1)[0].movie["id"] == movie.id


@pytest.mark.parametrize("name", RECIPES)
def test_a_rebuilt_index_ranks_the_same_whatever_the_order_of_the_store(world, tmp_path, name):
    (tmp_path / "turned").mkdir()
    turned = write_world(tmp_path / "turned", films(), order=-1)
    indexes = [build(of, tmp_path / path, name)
               for of, path in ((world, "a.h5"), (world, "b.h5"), (turned, "c.h5"))]
    for at in range(N):
        rankings = [search(index, index.space().embedding(at), N) for index in indexes]
        assert rankings[0] == rankings[1] == rankings[2]


@pytest.mark.parametrize("name", RECIPES)
def test_no_recipe_sees_a_film_s_collection_or_keywords(world, tmp_path, name):
    (tmp_path / "told").mkdir()
    told = write_world(tmp_path / "told", [
        {**film, "belongs_to_collection": "{'id': 1, 'name': 'Shark Collection'}"}
        for film in films()])
    (tmp_path / "told" / "keywords.csv").write_text("id,keywords\n1,\"[{'name': 'shark'}]\"\n")
    np.testing.assert_array_equal(cosines(build(world, tmp_path / "a.h5", name)),
                                  cosines(build(told, tmp_path / "b.h5", name)))


@pytest.mark.parametrize("name", RECIPES)
def test_a_catalogue_of_one_film_has_no_nan(tmp_path, name):
    index = build(write_world(tmp_path, films()[:1]), tmp_path / "index.h5", name)
    assert np.isfinite(index.space().embedding(0)).all()


@pytest.mark.parametrize("name, options, pooled_only, what", [
    ("idf", {"layers": [-1, -2, -3, -4]}, True, "weighs tokens"),
    ("mean", {"layers": [-1, -7]}, False, "needs layer -7 and the features hold -1,-2,-3,-4"),
    ("mean4", {"layers": [-1]}, False, "--recipe mean takes --layers"),
    ("tfidf", {"layers": [-1]}, False, "--recipe mean takes --layers"),
    ("centred", {"word_weight": 0.5}, False, "goes with hybrid, titled, best")])
def test_what_a_recipe_cannot_use_is_told_before_the_work(name, options, pooled_only, what):
    with pytest.raises(RecommenderError, match=what):
        make_recipe(name, SETTINGS._replace(pooled=pooled_only), **options)


def test_a_text_without_a_known_word_is_told(world, tmp_path):
    index = build(world, tmp_path / "index.h5", "tfidf")
    with pytest.raises(NothingFound, match="no film's overview has a word of the text"):
        index.space().embed(Source("zzz"))


@pytest.mark.parametrize("parts", [
    '[{"kind": "dream", "weight": 1}]', '[{"kind": "mean", "weight": 1, "layers": [-1], "x": 2}]',
    '[{"weight": 1}]', '[{"kind": "mean", "weight": "much", "layers": [-1]}]', "{", "7", "[7]",
    '[{"kind": "mean", "weight": 1, "layers": 5}]',
    '[{"kind": "mean", "weight": 1, "layers": [-9]}]',
    '[{"kind": "mean", "weight": NaN, "layers": [-1]}]',
    '[{"kind": "words", "weight": 1, "titles": "x"}]'])
def test_an_index_of_a_recipe_that_is_not_known_is_refused(world, tmp_path, parts):
    build(world, tmp_path / "index.h5", "mean4")
    with h5py.File(str(tmp_path / "index.h5"), "r+") as file:
        file.attrs["recipes"] = '[["mean4", {}]]'.format(parts)
    with pytest.raises(RecommenderError, match=r"index\.h5.*recipe.*build_index\.py"):
        Index(str(tmp_path / "index.h5"))


@pytest.mark.parametrize("name, array", [
    ("centred", "0/offset"), ("whitened", "0/matrix"), ("idf", "0/token_weights"),
    ("best", "1/genres"), ("best", "1/idf"), ("tfidf", "0/vocabulary"), ("tfidf", "0/idf")])
@pytest.mark.parametrize("damage", ["gone", "shorter", "text"])
def test_what_was_learnt_and_is_damaged_is_told(world, tmp_path, name, array, damage):
    build(world, tmp_path / "index.h5", name)
    with h5py.File(str(tmp_path / "index.h5"), "r+") as file:
        learnt = file["recipes/{}/learnt".format(name)]
        held = learnt[array][:]
        del learnt[array]
        if damage == "shorter":
            learnt.create_dataset(array, data=held[:0],
                                  dtype=h5py.special_dtype(vlen=str) if held.dtype == object
                                  else held.dtype)
        elif damage == "text":
            learnt[array] = "text"
    with pytest.raises(RecommenderError, match=r"index\.h5: what its recipe learnt is damaged"):
        Index(str(tmp_path / "index.h5")).space().embed(Source("a shark", *features_of(1)))


def test_a_text_is_joined_at_weights_of_its_own(world):
    catalogue, reader = world
    recipe, films_vectors = fitted(world, "best")
    vectors = np.array([features_of(movie.id)[0][0].mean(axis=0) for movie in catalogue.movies])
    layers, token_ids = features_of(99)
    text = Source("shark shark beach", layers, token_ids)
    bert, genres, words = recipe.blocks(text)
    # BERT's last layer less the mean of all films, at 0.2; the words at 0.8.
    wanted = layers[0].mean(axis=0) - vectors.mean(axis=0)
    np.testing.assert_allclose(bert, np.sqrt(0.2) * wanted / np.linalg.norm(wanted), atol=1e-6)
    assert not genres.any()
    part = recipe.parts[-1][1]
    idf = dict(zip(part.arrays["vocabulary"], part.arrays["idf"]))
    # A word counts once, however often it occurs, and with the values for texts, which come last.
    wanted = np.array([{"shark": 1, "beach": 1}.get(word, 0) * idf[word]
                       for word in part.arrays["vocabulary"]])
    wanted = np.concatenate([np.zeros(len(wanted)), wanted])
    np.testing.assert_allclose(words, np.sqrt(0.8) * wanted / np.linalg.norm(wanted), atol=1e-12)
    # A film has nothing taken away, and its weights are those that it always had.
    film = catalogue.movies[1]
    bert, genres, words = recipe.blocks(Source(film.overview, *features_of(film.id), film.title,
                                               film.genres))
    np.testing.assert_allclose(bert, np.sqrt(0.45) * units(vectors)[1], atol=1e-6)
    np.testing.assert_allclose(np.concatenate([bert, genres]), films_vectors[1], atol=1e-6)
    assert [np.linalg.norm(genres), np.linalg.norm(words)] == pytest.approx(
        [np.sqrt(0.1), np.sqrt(0.45)])


def test_words_weigh_the_same_in_films_and_texts_where_that_is_asked(world):
    recipe, _ = fitted(world, "best", word_weight=0.2)
    text = Source("shark beach", *features_of(99))
    assert [np.linalg.norm(block) ** 2 for block in recipe.blocks(text)] == pytest.approx(
        [0.8, 0, 0.2])


def test_an_index_without_weights_for_texts_compares_them_as_films(world, tmp_path):
    index = build(world, tmp_path / "index.h5", "titled")
    with h5py.File(str(tmp_path / "index.h5"), "r") as file:
        (_, parts), = json.loads(file.attrs["recipes"])
    assert [sorted(part) for part in parts] == [["kind", "layers", "weight"],
                                                ["kind", "titles", "weight"]]
    blocks = index.space().fitted_recipe().blocks(Source("shark beach", *features_of(99)))
    assert [np.linalg.norm(block) ** 2 for block in blocks] == pytest.approx([0.5, 0.5])
