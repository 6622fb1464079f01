"""A renewed export through extraction, update and compaction, as its users run them."""

import csv
import os

import pytest

import build_index
import extract_features
from recommender.index import Index
from recommender.storage.shards import Shard, shard_paths
from tests.reference import random_checkpoint

# Columns of TMDB's export, the data set that download.py --data tmdb brings.
COLUMNS = ("id", "title", "vote_average", "vote_count", "status", "release_date", "revenue",
           "runtime", "adult", "backdrop_path", "budget", "homepage", "imdb_id",
           "original_language", "original_title", "overview", "popularity", "poster_path",
           "tagline", "genres")


def write_export(path, overviews, **cells):
    """Write an export of films by id; `cells` are the same in all rows."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for movie_id, overview in overviews.items():
            writer.writerow({"id": movie_id, "title": "Film {}".format(movie_id),
                             "overview": overview, "genres": "Action, Drama",
                             "release_date": "2023-05-05", "adult": "False", "vote_average": "7.1",
                             "vote_count": "90", **cells})


@pytest.fixture
def flags(tmp_path):
    checkpoint = random_checkpoint(tmp_path / "small", num_hidden_layers=4,
                                   max_position_embeddings=256)
    return {"--bert_dir": checkpoint, "--input_file": str(tmp_path / "movies.csv"),
            "--output_dir": str(tmp_path / "features")}


def extract(flags, *more):
    assert extract_features.main([part for item in flags.items() for part in item]
                                 + list(more)) == 0


def test_only_new_and_changed_films_are_computed_and_the_index_follows(flags, tmp_path, capsys):
    before = {n: "a man meets a woman ." + " a man" * n for n in range(1, 13)}
    write_export(flags["--input_file"], before)
    extract(flags)
    build = ["--input_file", flags["--input_file"], "--features", flags["--output_dir"],
             "--output", str(tmp_path / "index.h5")]
    build_index.main(build + ["--bert_dir", flags["--bert_dir"]])
    old = set(shard_paths(flags["--output_dir"]))

    after = {**before, 3: "a woman , a woman .", 20: "a woman", 21: "a man , a man"}
    del after[7]
    write_export(flags["--input_file"], after, vote_count="91")
    capsys.readouterr()
    extract(flags)
    assert "10 of 13 films are in " in capsys.readouterr().err
    new = [path for path in shard_paths(flags["--output_dir"]) if path not in old]
    computed = []
    for path in new:
        with Shard(path) as shard:
            computed += shard.ids
    assert sorted(computed) == [3, 20, 21]

    assert build_index.main(build + ["--update"]) == 0
    assert "2 films are new, 1 changed, 1 left" in capsys.readouterr().err
    index = Index(str(tmp_path / "index.h5"))
    assert index.ids.tolist() == list(after)
    assert index.movie(index.row_of_id(20))["genres"] == ["Action", "Drama"]
    assert set(index.column("vote_count")) == {91}
    assert index.space("best").scale("texts") is not None

    extract(flags, "--compact")
    assert "1 films that left and 1 older versions are gone, 13 films stay" in (
        capsys.readouterr().out)
    assert not old & set(shard_paths(flags["--output_dir"]))
    assert build_index.main(build + ["--update"]) == 0
    assert "0 films are new, 0 changed, 0 left" in capsys.readouterr().err
    assert sorted(os.listdir(str(tmp_path))) == ["features", "index.h5", "movies.csv", "small"]
