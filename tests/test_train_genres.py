"""train_genres.py and bert/training.py on a tiny checkpoint."""

import json
import os

import numpy as np
import pytest

import train_genres
from bert.checkpoint import open_checkpoint
from bert.errors import BertError
from bert.genre_model import GenreModel, Head
from bert.trainable import TrainableEncoder
from bert.training import Training, Watch, read_weights
from bert.training_data import Examples, Plan, batch_rows, thinned
from recommender.errors import RecommenderError
from recommender.genres.genre_metrics import macro_map
from recommender.genres.head import UNSEEN, read_head, read_unseen
from tests.genre_worlds import write_genre_films
from tests.reference import random_checkpoint
from tests.served import running

PLAN = Plan(epochs=2, batch_size=8, learning_rate=0.01, warmup=0.1, weight_decay=0.01, dropout=0.2,
            piece_dropout=0.1, averaging=2, patience=3, seed=5)


class Killed(Exception):
    """The process ends here."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Folder of a tiny checkpoint."""
    return random_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture(scope="module")
def examples():
    """Texts that hold a 5 and are of the first genre, or a 6 and are of the second, or both."""
    draws = np.random.RandomState(0)
    labels = (draws.rand(40, 2) < 0.5).astype(np.float32)
    texts = [np.array([2, *[5] * int(one), *[6] * int(two), *draws.randint(4, 5, 3), 3], np.int32)
             for one, two in labels]
    return Examples(texts[:28], labels[:28]), Examples(texts[28:], labels[28:])


def training(tiny, folder, plan=PLAN):
    encoder = TrainableEncoder(open_checkpoint(tiny), [-1, -2])
    head = Head(np.zeros((8, 2), np.float32), np.zeros(2, np.float32))
    return Training(GenreModel(encoder, 2, head), plan, str(folder), np.ones(2))


def watch(on_step=lambda step, loss: None, stopping=lambda: False):
    return Watch(macro_map, on_step, stopping)


def test_the_order_of_batches_is_a_function_of_seed_and_step():
    whole = list(batch_rows(10, PLAN, 0))
    assert len(whole) == 4 and sorted(np.concatenate(whole[:2])) == list(range(10))
    assert [rows.tolist() for rows in batch_rows(10, PLAN, 3)] == [
        rows.tolist() for rows in whole[3:]]
    assert not np.array_equal(np.concatenate(whole[:2]), np.concatenate(whole[2:4]))


def test_the_pieces_left_out_are_a_function_of_seed_and_step():
    texts = [np.arange(100, dtype=np.int32), np.array([2, 3], np.int32)]
    examples = Examples(texts, np.eye(2, dtype=np.float32))
    plan = PLAN._replace(piece_dropout=0.3)
    once, twice, other = (thinned(examples, np.array([1, 0]), plan, step) for step in (4, 4, 5))
    assert once.token_ids[0].tolist() == [2, 3] and once.labels.tolist() == [[0, 1], [1, 0]]
    kept = once.token_ids[1]
    assert 55 < len(kept) < 85 and kept[0] == 0 and kept[-1] == 99 and (np.diff(kept) > 0).all()
    np.testing.assert_array_equal(kept, twice.token_ids[1])
    assert kept.tolist() != other.token_ids[1].tolist()


def test_the_weights_that_are_kept_are_the_running_means(tiny, examples, tmp_path):
    one, seen, rising = training(tiny, tmp_path / "mean"), [], iter([0.4, 0.5])

    def quality(labels, probabilities):
        seen.append(probabilities)
        return next(rising)

    assert one.run(*examples, Watch(quality, lambda step, loss: None, lambda: False))
    last, kept = read_weights(str(tmp_path / "mean" / "model.ckpt-8")), one.best_weights()
    assert kept["global_step"] == 8 and not [name for name in kept if name.endswith("average")]
    np.testing.assert_array_equal(kept["genres/kernel"], last["genres/kernel/average"])
    assert np.abs(kept["genres/kernel"] - last["genres/kernel"]).max() > 1e-4
    np.testing.assert_allclose(1 / (1 + np.exp(-one.logits(examples[1]))), seen[-1], atol=1e-5)


def test_a_training_that_was_killed_ends_as_one_that_was_not(tiny, examples, tmp_path):
    losses, again = {}, {}
    whole = training(tiny, tmp_path / "whole")
    assert whole.run(*examples, watch(losses.__setitem__))
    assert sorted(losses) == list(range(1, 9))

    def kill(step, loss):
        if step == 6:
            raise Killed

    with pytest.raises(Killed):
        training(tiny, tmp_path / "killed").run(*examples, watch(kill))
    resumed = training(tiny, tmp_path / "killed")
    assert resumed.run(*examples, watch(again.__setitem__))
    assert sorted(again) == [5, 6, 7, 8]  # from the last checkpoint on
    for step, loss in again.items():
        assert loss == pytest.approx(losses[step], abs=1e-4)
    assert resumed.history.steps == whole.history.steps == [4, 8]
    for one, other in zip(resumed.history.epochs, whole.history.epochs):
        assert one.quality == pytest.approx(other.quality, abs=0.01)
    assert whole.history.epochs[-1].quality > 0.9
    assert [name for name in os.listdir(str(tmp_path / "whole")) if "tfevents" in name]


def test_a_signal_stops_it_at_once_and_leaves_no_half_epoch_in_its_history(
        tiny, examples, tmp_path):
    steps = []
    stopped = training(tiny, tmp_path / "stopped")
    assert not stopped.run(*examples, watch(lambda step, loss: steps.append(step),
                                            lambda: len(steps) == 3))
    assert steps == [1, 2, 3] and stopped.history.steps == []


def test_training_stops_early_and_keeps_the_best_weights(tiny, examples, tmp_path):
    qualities = iter([0.5, 0.4, 0.9])
    plan = PLAN._replace(epochs=9, patience=1)
    one = training(tiny, tmp_path / "early", plan)
    assert one.run(*examples, Watch(lambda labels, probabilities: next(qualities),
                                    lambda step, loss: None, lambda: False))
    assert [round(epoch.quality, 1) for epoch in one.history.epochs] == [0.5, 0.4]
    assert one.best_weights()["global_step"] == 4


def test_a_loss_that_is_no_number_is_one_line(tiny, examples, tmp_path):
    with pytest.raises(BertError, match="NaN.*--learning_rate"):
        training(tiny, tmp_path / "nan", PLAN._replace(learning_rate=1e30)).run(
            *examples, watch())


@pytest.fixture(scope="module", params=["bert", "gru"])
def trained(request, tiny, tmp_path_factory):
    """Encoder, folder of a trained model, catalogue."""
    folder = tmp_path_factory.mktemp("trained")
    films = write_genre_films(folder / "films.csv")
    output = str(folder / "genres")
    arguments = ["--encoder", request.param, "--bert_dir", tiny, "--input_file", films,
                 "--output_dir", output, "--min_films", "5", "--epochs", "1", "--units", "4",
                 "--learning_rate", "0.02", "--folds", "2", "--max_seq_length", "64"]
    assert train_genres.main(arguments) == 0
    return request.param, output, films


def test_the_trained_model_has_head_folds_curve_and_figures(trained):
    encoder, folder, films = trained
    head = read_head(folder)
    assert head.genres == ("Action", "Comedy", "Drama")
    assert head.layers == ((-1, -2) if encoder == "bert" else (-1,))
    assert head.notes["folds"] == 2 and len(head.notes["models"]) == 5
    unseen = read_unseen(folder, head)
    assert len(set(unseen.ids)) == len(unseen.ids) > 20
    assert not np.isnan(unseen.probabilities).any() and set(unseen.folds) == {0, 1}
    with open(os.path.join(folder, "learning_curve.png"), "rb") as file:
        assert file.read(4) == b"\x89PNG"
    assert not [name for name in os.listdir(folder + ".training/fold_0") if "ckpt" in name]


def test_a_model_that_does_not_tell_its_folds_is_one_line(trained, tmp_path):
    head = read_head(trained[1])
    unseen = read_unseen(trained[1], head)
    np.savez(str(tmp_path / UNSEEN), ids=unseen.ids, probabilities=unseen.probabilities)
    with pytest.raises(RecommenderError, match="older version: train the model again"):
        read_unseen(str(tmp_path), head)


def test_the_trained_folder_goes_the_whole_way(trained, run_program, tmp_path):
    """Features, index, queries by title and text, explanation, server."""
    encoder, folder, films = trained
    done = run_program("extract_features.py", "--bert_dir", folder, "--input_file", films,
                       "--output_dir", tmp_path / "features", "--max_seq_length", 64,
                       *(["--layers", "-1,-2"] if encoder == "bert" else []))
    assert done.returncode == 0, done.stderr
    done = run_program("build_index.py", "--input_file", films, "--features",
                       tmp_path / "features", "--output", tmp_path / "index.h5")
    assert done.returncode == 0, done.stderr
    told = []
    for question in (["--title", "Film 7"], ["--overview", "a man meets a woman"]):
        done = run_program("recommend.py", "--index", tmp_path / "index.h5", "--bert_dir", folder,
                           "--recipe", "best", "--json", "--explain", *question)
        assert done.returncode == 0, done.stderr
        told.append(json.loads(done.stdout)["results"])
        assert len(told[-1]) == 10
        for film in told[-1]:
            shares = [share["share"] for wish in film["why"]["asked"] for share in wish]
            assert sum(shares) == pytest.approx(film["score"], abs=1e-3)
    with running("--index", tmp_path / "index.h5", "--bert_dir", folder, "--genre_model", folder,
                 "--port", "0") as server:
        status, film = server.get("/api/v1/recommend?title=Film+7&recipe=best")
        assert (status, film["results"][0]["id"]) == (200, told[0][0]["id"])
        status, _, text = server.request("POST", "/api/v1/recommend", json.dumps(
            {"overview": "a man meets a woman", "recipe": "best", "explain": True}),
            {"Content-Type": "application/json"})
        assert status == 200, text
        assert [film["id"] for film in text["results"]] == [film["id"] for film in told[1]]
        head = read_head(folder)
        assert {genre["genre"] for genre in text.get("heard", ())} <= set(head.genres)
        assert text["results"][0]["why"]["asked"]


def test_features_give_the_probabilities_that_were_measured(trained):
    """The head says of a film's features what the training said of the film."""
    from bert.embedder import Embedder
    from recommender.catalogue import read_catalogue

    _, folder, films = trained
    head = read_head(folder)
    unseen = read_unseen(folder, head)
    overviews = {movie.id: movie.overview for movie in read_catalogue(films).movies}
    ids = unseen.ids[:5]  # of the first fold, whose model is kept
    found = Embedder(open_checkpoint(folder), head.layers, 64, True).features(
        [overviews[movie] for movie in ids])
    for text, probabilities in zip(found, unseen.probabilities):
        np.testing.assert_allclose(head.probabilities(text.layers), probabilities, atol=1e-4)
        shares = head.shares(text.layers).sum(axis=0) + head.bias
        np.testing.assert_allclose(1 / (1 + np.exp(-shares)), probabilities, atol=1e-4)


def test_other_settings_do_not_go_on_with_a_training(trained, tiny, tmp_path):
    encoder, folder, films = trained
    with pytest.raises(RecommenderError, match="exists"):
        train_genres.main(["--input_file", films, "--output_dir", folder])
    other = str(tmp_path / "other")
    os.makedirs(other + ".training")
    with open(other + ".training/settings.json", "w") as file:
        json.dump({"epochs": 99}, file)
    with pytest.raises(RecommenderError, match="begun with another .*epochs"):
        train_genres.main(["--bert_dir", tiny, "--input_file", films, "--output_dir", other,
                           "--min_films", "5", "--max_seq_length", "64"])
