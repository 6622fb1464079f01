"""predict_genres.py: genres of a text or film, words that speak for them, films that lack them."""

import json
import os

import numpy as np
import pytest

import predict_genres
from recommender.errors import NothingFound, RecommenderError
from recommender.genres.head import TOLD, UNSEEN, VALUES, Unseen, read_head, save_unseen
from tests.genre_worlds import write_genre_model
from tests.worlds import only_line, row, write_csv


def genres(*names):
    return str([{"id": 1, "name": name} for name in names])


FILMS = [
    row(1, "A Man", overview="a man . a man", genres=genres("Action")),
    row(2, "A Woman", overview="a woman , a woman", genres=genres("Action", "Western")),
    row(3, "Nothing Said", overview="meets meets meets", genres="[]"),
    row(4, "Twins", overview="man", genres=genres("Drama")),
    row(5, "Twins", overview="woman woman", genres=genres("Drama"), release_date="2001-01-01")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Folder of a model, with the probabilities of two films that it was not trained on."""
    folder = write_genre_model(tmp_path_factory.mktemp("model") / "genres")
    save_unseen(Unseen(np.array([2, 1]), np.float32([[0.125, 0.25, 0.75], [0.5, 0.25, 0.25]]),
                       np.array([0, 1])),
                folder)
    return folder


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("films") / "films.csv", FILMS)


@pytest.fixture
def ask(model, films, capsys):
    """Run the program; returns what it prints, as JSON if asked for, and what it notes."""
    def run(*flags):
        assert predict_genres.main(["--model", model, "--input_file", films, *flags]) == 0
        said = capsys.readouterr()
        return json.loads(said.out) if "--json" in flags else said.out, said.err
    return run


@pytest.mark.parametrize("word, genre", [("man", "Action"), ("woman", "Drama"),
                                         ("meets", "Comedy")])
def test_a_text_gets_the_genres_it_speaks_of_the_likeliest_first(ask, word, genre):
    told, _ = ask("--overview", " ".join([word] * 6), "--json")
    result, = told["results"]
    found = [each["probability"] for each in result["genres"]]
    assert found == sorted(found, reverse=True) and all(0 < each < 1 for each in found)
    assert {each["name"] for each in result["genres"]} == {"Action", "Comedy", "Drama"}
    assert result["genres"][0]["name"] == genre
    assert [each["predicted"] for each in result["genres"]] == [p >= 0.6 for p in found]
    assert result["genres"][0]["predicted"]
    assert genre in ask("--overview", " ".join([word] * 6))[0].splitlines()[0]


def test_a_text_of_no_genre_is_said_to_reach_none(ask, monkeypatch):
    monkeypatch.setattr(predict_genres, "read_head", lambda folder: read_head(folder)._replace(
        thresholds=np.ones(3)))
    text, _ = ask("--overview", "man")
    assert text.startswith("no genre reaches its threshold; the likeliest:\n")
    assert len(text.splitlines()) == 4


@pytest.mark.parametrize("flags", [("--id", "2"), ("--title", "a woman"), ("--title", "Woman, A")])
def test_a_film_shows_its_stated_genres_beside_the_predicted_ones(ask, flags):
    film, = ask(*flags, "--json")[0]["results"]
    assert (film["id"], film["title"], film["year"]) == (2, "A Woman", 1999)
    assert film["stated"] == ["Action", "Western"] and film["genres"][0]["name"] == "Drama"
    of_text, = ask("--overview", "a woman , a woman", "--json")[0]["results"]
    assert film["genres"] == of_text["genres"]
    assert ask(*flags)[0].startswith("A Woman (1999), stated: Action, Western\n")


def test_explained_words_speak_for_their_genre_the_most_for_it_first(ask):
    told, _ = ask("--overview", "man woman , meets", "--explain", "--json")
    for genre in told["results"][0]["genres"]:
        shares = [each["share"] for each in genre["words"]]
        assert {each["word"] for each in genre["words"]} <= {"man", "woman", "meets"}
        assert shares == sorted(shares, reverse=True) and all(share > 0 for share in shares)
    assert "words" not in ask("--overview", "man", "--json")[0]["results"][0]["genres"][0]
    assert any(genre["words"] for genre in told["results"][0]["genres"])
    assert "man +" in ask("--overview", "man man man", "--explain")[0]


def test_films_without_a_genre_are_listed_with_what_they_would_get(ask):
    told, note = ask("--missing", "--json")
    assert [film["id"] for film in told["results"]] == [3]
    assert told["results"][0]["genres"][0]["name"] == "Comedy"
    assert "1 of 5 films have no genre" in note
    assert ask("--missing")[0].startswith("Nothing Said (1999), id 3: Comedy ")


def test_doubtful_genres_are_told_by_models_that_did_not_see_the_film(ask):
    told, note = ask("--doubtful", "--json")
    assert [(film["id"], film["genre"], film["probability"]) for film in told["results"]] == [
        (2, "Action", 0.125), (1, "Action", 0.5)]  # as stored; no genre that is not learnt
    assert "2 films were in no test split of this model" in note
    assert len(ask("--doubtful", "-k", "1")[0].splitlines()) == 1
    assert ask("--doubtful", "-k", "1")[0] == " 0.125  Action            A Woman (1999), id 2\n"


@pytest.mark.parametrize("flags, error, said", [
    (("--overview", " "), NothingFound, "--overview is empty"),
    (("--id", "99"), NothingFound, "no film with an overview has the id 99 in .*films.csv"),
    (("--title", "Nowhere"), NothingFound, "no film with an overview has the title 'Nowhere'"),
    (("--title", "Twins"), NothingFound, r"2 films have the title 'Twins': say which with --id "
                                         r"4 \(1999\), 5 \(2001\)"),
    (("--overview", "man", "--model", "nowhere"), RecommenderError,
     "nowhere holds no genre model: train_genres.py makes one")])
def test_what_cannot_be_answered_is_one_line(ask, flags, error, said):
    with pytest.raises(error, match=said) as caught:
        ask(*flags)
    only_line(str(caught.value))


@pytest.mark.parametrize("flags, said", [
    ((), "one of the arguments --overview --id --title --missing --doubtful is required"),
    (("--id", "1", "--title", "x"), "not allowed with argument"), (("--id", "x"), "--id"),
    (("--missing",), "--input_file is missing"), (("--doubtful", "-k", "0"), "-k"),
    (("--missing", "--explain", "--input_file", "x"), "--explain goes with --overview")])
def test_wrong_flags_are_one_line_and_exit_2(model, capsys, flags, said):
    with pytest.raises(SystemExit) as caught:
        predict_genres.main(["--model", model, *flags])
    assert caught.value.code == 2
    assert said in only_line(capsys.readouterr().err)


@pytest.mark.parametrize("name, spoil, said", [
    (TOLD, lambda path: open(path, "w").close(), "the genre model in .* is damaged"),
    (VALUES, os.remove, "the genre model in .* is damaged"),
    (VALUES, lambda path: os.truncate(path, 100), "the genre model in .* is damaged"),
    (UNSEEN, os.remove, "genre_folds.npz is missing, damaged"),
    (UNSEEN, lambda path: np.savez(path, ids=np.arange(3), probabilities=np.zeros((2, 3)),
                                  folds=np.zeros(3, int)),
     "genre_folds.npz is missing, damaged")])
def test_a_damaged_model_is_one_line(model, films, tmp_path, name, spoil, said):
    folder = tmp_path / "model"
    folder.mkdir()
    read_head(model).save(str(folder))
    save_unseen(Unseen(np.array([2]), np.zeros((1, 3), np.float32), np.array([0])), str(folder))
    spoil(str(folder / name))
    with pytest.raises(RecommenderError, match=said) as caught:
        predict_genres.main(["--model", str(folder), "--input_file", films, "--doubtful"])
    only_line(str(caught.value))
