"""extract_features.py from a catalogue to HDF5."""

import csv
import os
import re
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import extract_features
from bert import extraction
from bert.checkpoint import open_checkpoint
from bert.encoder import Encoder
from bert.errors import BertError
from bert.tensorflow_version import IS_1
from bert.tokenizing import WordPieces
from extracting.background import for_each_in_background
from recommender.errors import RecommenderError
from recommender.storage.feature_store import FeatureReader
from tests.conftest import ROOT
from tests.reference import assert_google_agrees, random_checkpoint

COLUMNS = ["id", "imdb_id", "title", "original_title", "original_language", "overview", "genres",
           "release_date", "vote_average", "vote_count"]
OVERVIEWS = ["a man meets a woman .", "a woman", "a man , a woman , a man .", "man meets man",
             "woman meets womans", "a ." * 9, "mans", "a woman meets a woman ."]


def write_catalogue(path, overviews):
    with open(str(path), "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for n, overview in enumerate(overviews):
            writer.writerow([100 + n, "", "Film", "Film", "en", overview, "[]", "1999-01-01", 5, 9])
    return str(path)


@pytest.fixture(scope="module")
def checkpoint_dir(tmp_path_factory):
    return random_checkpoint(tmp_path_factory.mktemp("checkpoints") / "small",
                             num_hidden_layers=4, max_position_embeddings=256)


@pytest.fixture
def world(tmp_path, checkpoint_dir):
    """Flags for `main` over eight small overviews, and the output folder."""
    catalogue = write_catalogue(tmp_path / "movies.csv", OVERVIEWS)
    output = str(tmp_path / "features")
    return ["--bert_dir", checkpoint_dir, "--input_file", catalogue, "--output_dir",
            output], output


def test_min_votes_extracts_films_that_people_know(world, capsys):
    flags, output = world
    with open(flags[3]) as file:
        text = file.read()
    with open(flags[3], "w") as file:
        file.write(re.sub(r"(\n10[25],.*),9(\r?)$", r"\1,500\2", text, flags=re.MULTILINE))
    with pytest.raises(RecommenderError, match="no film has 501 votes: the most .* are 500"):
        extract_features.main(flags + ["--min_votes", "501"])
    assert extract_features.main(flags + ["--min_votes", "500"]) == 0
    assert "2 of 8 films have at least 500 votes" in capsys.readouterr().err
    assert set(stored(output)) == {102, 105}


def test_overviews_of_which_no_word_is_known_are_counted(world, capsys):
    flags, _ = world
    write_catalogue(flags[3], ["a man", "\U0001f47d", "a \U0001f47d", "привет", "!"])
    assert extract_features.main(flags) == 0
    assert "3 overviews hold no word that small knows" in capsys.readouterr().err


def stored(output):
    """Movie id to (layers, token_ids), read as any HDF5 tool would."""
    with h5py.File(os.path.join(output, "features.h5"), "r") as file:
        return {int(name): (file[name][:], file[name].attrs["token_ids"]) for name in file}


def files(output):
    return {os.path.join(folder, name): os.stat(os.path.join(folder, name)).st_mtime_ns
            for folder, _, names in os.walk(output) for name in names if name != ".lock"}


def test_real_overviews_have_the_values_of_googles_graph(tmp_path, minilm):
    with open(os.path.join(ROOT, "data", "sample_movies.csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::60]
    catalogue = write_catalogue(tmp_path / "movies.csv", [row["overview"] for row in rows])
    output = str(tmp_path / "features")
    assert extract_features.main(["--bert_dir", minilm, "--input_file", catalogue,
                                  "--output_dir", output]) == 0
    checkpoint = open_checkpoint(minilm)
    pieces = WordPieces(checkpoint.vocab_file)
    found = stored(output)
    assert sorted(found) == [100 + n for n in range(len(rows))]
    for n, row in enumerate(rows):
        layers, token_ids = found[100 + n]
        expected_ids = pieces.encode([row["overview"]], 256)[0].token_ids
        np.testing.assert_array_equal(token_ids, expected_ids)
        assert layers.dtype == np.float32
        assert_google_agrees(layers, checkpoint, expected_ids[np.newaxis], [len(expected_ids)],
                             (-1, -2, -3, -4))


@pytest.mark.skipif(not IS_1, reason="Google's graph needs tf.contrib")
def test_googles_graph_can_be_chosen_and_gives_the_same_values(world, tmp_path):
    flags, output = world
    assert extract_features.main(flags) == 0
    of_google = str(tmp_path / "of_google")
    assert extract_features.main(flags + ["--output_dir", of_google, "--graph", "reference"]) == 0
    with h5py.File(os.path.join(of_google, "features.h5"), "r") as file:
        assert len(file) == len(OVERVIEWS)
    ours, theirs = stored(output), stored(of_google)
    for movie_id, (layers, token_ids) in theirs.items():
        np.testing.assert_array_equal(ours[movie_id][1], token_ids)
        np.testing.assert_allclose(ours[movie_id][0], layers, rtol=0, atol=1e-4)


@pytest.mark.skipif(IS_1, reason="Google's graph can be had")
def test_without_tf_contrib_googles_graph_is_refused_before_anything_is_written(world):
    flags, output = world
    with pytest.raises(BertError, match=r"--graph reference: .* TensorFlow 1\.15"):
        extract_features.main(flags + ["--graph", "reference"])
    assert not os.path.exists(output)


def test_root_attributes_say_what_made_the_features(world, checkpoint_dir):
    flags, output = world
    extract_features.main(flags + ["--layers", "-2,0", "--max_seq_length", "16"])
    with h5py.File(os.path.join(output, "features.h5"), "r") as file:
        attributes = dict(file.attrs)
    assert attributes.pop("layers").tolist() == [-2, 0]
    assert attributes == {
        "format_version": 2, "max_seq_length": 16, "do_lower_case": True, "hidden_size": 8,
        "dtype": "float32", "pooled": False, "checkpoint": "small",
        "checkpoint_sha256": open_checkpoint(checkpoint_dir).sha256}


def test_resume_extracts_nothing_twice(world, capsys):
    flags, output = world
    extract_features.main(flags + ["--limit", "3"])
    before = {name: time for name, time in files(output).items() if "shards" in name}
    extract_features.main(flags)
    assert "3 of 8 films are in" in capsys.readouterr().err
    after = files(output)
    assert all(after[name] == time for name, time in before.items())
    ids = [movie.movie_id for movie in FeatureReader(output).movies()]
    assert sorted(ids) == list(range(100, 108))
    assert set(stored(output)) == set(ids)


def test_a_complete_output_is_left_alone(world, capsys):
    flags, output = world
    extract_features.main(flags)
    before = files(output)
    assert extract_features.main(flags) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert files(output) == before


def test_an_overview_that_was_changed_is_extracted_again(world, tmp_path):
    flags, output = world
    extract_features.main(flags)
    before = stored(output)
    write_catalogue(tmp_path / "movies.csv", ["a woman , a woman ."] + OVERVIEWS[1:])
    extract_features.main(flags)
    after = stored(output)
    assert len(after[100][1]) == 8
    np.testing.assert_array_equal(after[101][0], before[101][0])
    assert {m.movie_id: len(m.token_ids) for m in FeatureReader(output).movies()}[100] == 8


def test_one_predict_call_serves_the_whole_catalogue(world, monkeypatch):
    flags, output = world
    calls = []
    predict = tf.estimator.Estimator.predict

    def counted(self, *args, **options):
        calls.append(self)
        return predict(self, *args, **options)

    monkeypatch.setattr(tf.estimator.Estimator, "predict", counted)
    extract_features.main(flags + ["--batch_size", "2"])
    assert len(calls) == 1
    assert len(stored(output)) == 8


def test_texts_that_are_cut_are_counted(world, capsys):
    flags, output = world
    extract_features.main(flags + ["--max_seq_length", "7"])
    n_long = sum(len(ids) == 7 for _, ids in stored(output).values())
    assert "4 overviews were longer than 7 word pieces and were cut" in capsys.readouterr().err
    assert n_long == 4


def test_float16_is_float32_rounded(world, tmp_path):
    flags, output = world
    extract_features.main(flags)
    half = str(tmp_path / "half")
    extract_features.main(flags + ["--output_dir", half, "--dtype", "float16"])
    for movie_id, (layers, _) in stored(half).items():
        assert layers.dtype == np.float16
        np.testing.assert_allclose(layers, stored(output)[movie_id][0], atol=2e-3)


def test_the_disk_it_will_take_is_said_and_needed(world, monkeypatch, capsys):
    flags, output = world
    extract_features.main(flags + ["--limit", "4"])
    assert "4 films, about" in capsys.readouterr().err
    monkeypatch.setattr(extract_features.shutil, "disk_usage",
                        lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(RecommenderError, match="0 MB free and about"):
        extract_features.main(flags)


def test_batches_hold_a_token_budget_longest_first(minilm):
    pieces = WordPieces(os.path.join(minilm, "vocab.txt"))
    texts = ["a " * n for n in range(1, 60)]
    seen = list(extraction.batches(pieces, texts, 256, batch_tokens=128))
    sizes = [batch["token_ids"].size for batch in seen]
    assert max(sizes) <= 128
    assert seen[0]["lengths"][0] == max(batch["lengths"].max() for batch in seen)
    assert sorted(row for batch in seen for row in batch["rows"]) == list(range(59))
    assert sum(sizes) < 1.25 * sum(batch["lengths"].sum() for batch in seen)
    assert {len(batch["rows"]) for batch in extraction.batches(
        pieces, texts, 256, 128, batch_size=30)} == {30, 29}


def test_the_graph_is_built_from_a_stream(checkpoint_dir):
    """Batches come out while later texts have not been asked for."""
    checkpoint = open_checkpoint(checkpoint_dir)
    asked = []

    class Texts(list):
        def __getitem__(self, row):
            asked.append(row)
            return list.__getitem__(self, row)

    texts = Texts("a man ." for _ in range(20000))
    stream = extraction.extract(Encoder(checkpoint, [-1]), WordPieces(checkpoint.vocab_file),
                                texts, 64, 256)
    del asked[:]
    next(stream)
    # Sorting looks at each text's length once; tokenising must not have run to the end.
    assert len(asked) < 2 * len(texts)
    stream.close()


@pytest.mark.parametrize("extra, told", [
    (["--max_seq_length", "257"], "more than the 256 positions"),
    (["--layers", "-9"], "has 4 layers"),
    (["--layers", "-1,-1"], "twice"),
    (["--input_file", "absent.csv"], "absent.csv"),
    (["--bert_dir", "absent"], "no checkpoint folder absent"),
])
def test_what_cannot_be_done_is_one_line_and_exit_1(run_program, world, extra, told):
    flags, _ = world
    done = run_program("extract_features.py", *(flags + extra))
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert told in lines[-1]
    assert lines[-1].startswith("extract_features.py: error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("flags", [
    [], ["--nonsense"], ["--input_file", "x", "--layers", "one"],
    ["--input_file", "x", "--limit", "0"], ["--input_file", "x", "--dtype", "int8"],
    ["--input_file", "x", "--batch_tokens", "many"]])
def test_wrong_usage_is_one_line_and_exit_2(run_program, flags):
    done = run_program("extract_features.py", *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1


def test_no_checkpoint_names_both_download_commands(run_program, world, tmp_path):
    flags, _ = world
    done = run_program("extract_features.py", *flags[2:], cwd=str(tmp_path))
    assert done.returncode == 1
    assert "download.py --model wwm" in done.stderr
    assert "download.py --model minilm" in done.stderr


def test_features_of_other_settings_are_not_mixed(run_program, world):
    flags, _ = world
    assert run_program("extract_features.py", *flags).returncode == 0
    done = run_program("extract_features.py", *(flags + ["--max_seq_length", "32"]))
    assert done.returncode == 1
    assert "max_seq_length 256, not 32" in done.stderr.splitlines()[-1]


def test_only_our_own_lines_reach_the_user(run_program, world):
    flags, _ = world
    done = run_program("extract_features.py", *flags)
    assert done.returncode == 0
    assert done.stdout == ""
    lowered = done.stderr.lower()
    assert not [word for word in ("warning", "tensorflow", "deprecat", "info:", "absl", ".py:")
                if word in lowered], done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_keeps_what_it_had_and_goes_on_later(tmp_path, checkpoint_dir, number):
    catalogue = write_catalogue(tmp_path / "movies.csv", [
        "a man meets a woman , " * 8 + "a " * (n % 17) for n in range(6000)])
    output = str(tmp_path / "features")
    command = [sys.executable, "extract_features.py", "--bert_dir", checkpoint_dir,
               "--input_file", catalogue, "--output_dir", output, "--batch_size", "4",
               "--max_seq_length", "64"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, bufsize=0)
    seen = b""
    while not re.search(rb" [1-9][\d,]*/6,000 films", seen):  # the first batch is written
        byte = process.stderr.read(1)
        assert byte, seen.decode()
        seen += byte
    process.send_signal(number)
    rest = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == 128 + number, rest
    assert "Traceback" not in rest
    kept = set(stored(output))
    assert 0 < len(kept) < 6000
    assert "stopped with {:,} films to go".format(6000 - len(kept)) in rest
    assert extract_features.main(command[2:] + ["--batch_size", "64"]) == 0
    assert len(stored(output)) == 6000


def test_a_failed_write_stops_the_work_and_is_told():
    computed = []

    def items():
        for n in range(1000):
            computed.append(n)
            yield n

    def write(item):
        if item == 3:
            raise OSError(28, "No space left on device", "features")

    with pytest.raises(OSError, match="No space left"):
        for_each_in_background(items(), write)
    assert len(computed) < 20


def test_what_was_computed_before_an_error_is_still_written():
    written = []

    def items():
        yield 1
        yield 2
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        for_each_in_background(items(), written.append)
    assert written == [1, 2]
