"""Bad inputs: features that are pooled where full ones are needed, and files of older versions."""

import os
import shutil

from recommender.building import build_index
from recommender.catalogue import read_catalogue
from recommender.storage.feature_store import FeatureReader, FeatureWriter
from torture.spoiling import Bad, hdf5, links

_EXTRACT = "extract_features.py --bert_dir tiny --input_file movies.csv --output_dir features"
_VERIFY = "extract_features.py --verify --output_dir features"
_BUILD = "build_index.py --input_file movies.csv --features features --output new.h5"
_EVALUATE = "evaluate.py --input_file movies.csv --features features"
_FILM = "recommend.py --index index.h5 --id 7"
_WHY = _FILM + " --explain --bert_dir tiny --features features"
_ONE_VECTOR = "pooled features of an older version, one vector a film: extract them again"
_OLD_INDEX = "index.h5 is not an index of format 3: build it again with build_index.py"


def pooled(folder: str) -> None:
    """Pool the features, and build the index from them."""
    features, full = os.path.join(folder, "features"), os.path.join(folder, "full")
    os.rename(features, full)
    reader = FeatureReader(full)
    with FeatureWriter(features, reader.settings._replace(pooled=True)) as writer:
        for movie in reader.movies():
            writer.add(movie.movie_id, movie.layers, movie.token_ids, movie.digest)
    shutil.rmtree(full)
    build_index(read_catalogue(os.path.join(folder, "movies.csv")), FeatureReader(features),
                os.path.join(folder, "index.h5"))


def pooled_to_one_vector(folder: str) -> None:
    """Pool the features, of the version that held one vector a film."""
    pooled(folder)
    links(lambda file: file.attrs.modify("format_version", 2))(folder)


_old_index = hdf5("index.h5", lambda file: file.attrs.modify("format_version", 1))

VERSIONS = [
    *(Bad("features/", "is pooled", _BUILD + " --recipe " + recipes,
          "weighs tokens and needs full features", 1, pooled)
      for recipes in ("idf", "sif", "best,mean4,idf")),
    Bad("features/", "is pooled", _EVALUATE + " --recipes last,sif",
        "weighs tokens and needs full features", 1, pooled),
    Bad("features/", "is pooled", _EXTRACT, "pooled True, not False", 1, pooled),
    Bad("features/", "is pooled", _EXTRACT + " --pooled --layers -1",
        "layers (-1, -2, -3, -4), not (-1,)", 1, pooled),
    *(Bad("features/", "is pooled", _WHY + recipe, "an explanation needs full features", 1, pooled)
      for recipe in ("", " --recipe best")),
    *(Bad("features/", "is pooled to one vector a film", command, _ONE_VECTOR, 1,
          pooled_to_one_vector)
      for command in (_BUILD, _BUILD + " --recipe mean4", _EXTRACT + " --pooled", _EXTRACT,
                      _VERIFY, _EVALUATE, _WHY)),
    *(Bad("index.h5", "is of the version before", command, _OLD_INDEX, 1, _old_index)
      for command in (_FILM, "recommend.py --index index.h5 man", "server.py --index index.h5",
                      "evaluate.py --input_file movies.csv --index index.h5"))]
