"""Bad inputs, each given to the real program: one line must say what is wrong, with its exit code.

Each is tried in a folder of its own that holds copies of a world: movies.csv, tiny/ (the
checkpoint), features/ and index.h5. `torture.spoiling` makes one of them bad, or adds a file.
"""

import glob
import gzip
import os
import pickle
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import List

import h5py
import numpy as np

from torture.checkpoints import CHECKPOINTS
from torture.spoiling import (
    Bad,
    Call,
    again,
    change,
    config,
    cut,
    flip,
    folder_for,
    hdf5,
    in_shard,
    lacks_overview,
    layers_of,
    links,
    nested,
    nothing,
    pickled,
    put,
    says_size,
    shard,
    without,
    zipped,
)
from torture.table import Row
from torture.versions import VERSIONS
from torture.worlds import (
    Done,
    World,
    copy_of,
    finish,
    finished_world,
    program,
    tell,
    temporary_folder,
)

EXTRACT = "extract_features.py --bert_dir tiny --input_file movies.csv --output_dir new"
MORE = "extract_features.py --bert_dir tiny --input_file movies.csv --output_dir features"
VERIFY = "extract_features.py --verify --output_dir features"
BUILD = "build_index.py --input_file movies.csv --features features --output new.h5"
GIVEN = "build_index.py --input_file movies.csv --from_pickle emb.pickle --output new.h5"
FILM = "recommend.py --index index.h5 --id 7"
TITLE = "recommend.py --index index.h5 "
TEXT = "recommend.py --index index.h5 --bert_dir tiny --overview man"
WHY = FILM + " --explain --bert_dir tiny --features features"
SERVE = "server.py --index index.h5 --port 0"
EVALUATE = "evaluate.py --input_file movies.csv --features features --recipes last"
RATE = "evaluate.py --input_file movies.csv --index index.h5"
MODEL = "download.py --tmp_dir new --model model.zip"
DATA = "download.py --data_dir new --data data.zip"

_EMBEDDINGS = "recipes/mean4/embeddings"
_NO_OVERVIEW = "Film 7 (1999, id 7) is in the catalogue but has no overview"
_BIG = (1 << 58,)  # shape of a dataset of int64 that would need 2 EiB
_NAMES = dict.fromkeys(("bert_config.json", "vocab.txt", "bert_model.ckpt.index",
                        "bert_model.ckpt.data-00000-of-00001"), b"x")
BERT = '{"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "vocab_size": 5, ' \
       '"num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 8, ' \
       '"type_vocab_size": 2}'
VOCAB = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n"

TABLE = CHECKPOINTS + VERSIONS + [
    # catalogues
    Bad("movies.csv", "is not there", EXTRACT, "movies.csv: No such file", 1,
        without("movies.csv")),
    Bad("movies.csv", "is empty", BUILD, "movies.csv is empty", 1, put("movies.csv", "")),
    Bad("movies.csv", "is a folder", EXTRACT, "movies.csv: Is a directory", 1,
        folder_for("movies.csv")),
    Bad("movies.csv", "has a header only", EXTRACT, "no film with an overview in 0 rows", 1,
        change("movies.csv", lambda content: content.splitlines(True)[0])),
    Bad("movies.csv", "has no column overview", BUILD, "column overview is missing", 1,
        change("movies.csv", lambda content: content.replace(b"overview", b"blurb", 1))),
    Bad("movies.csv", "is in an encoding of its own", EVALUATE, "not a CSV in UTF-8", 1,
        change("movies.csv", lambda content: content.replace(b"Film 7", b"Am\x81lie"))),
    Bad("movies.csv", "holds a NUL", EXTRACT, "not a CSV", 1,
        change("movies.csv", lambda content: content.replace(b"Film 7", b"Film\0"))),
    Bad("movies.csv", "has a quote that never ends", BUILD, "not a CSV", 1,
        change("movies.csv", lambda content: content.replace(b"Film 7,", b'"Film 7,', 1))),
    Bad("movies.csv", "is separated by tildes", EXTRACT, "not a CSV with a header", 1,
        change("movies.csv", lambda content: content.replace(b",", b"~"))),
    Bad("movies.csv", "is a Parquet file", EXTRACT, "but a Parquet file", 1,
        put("movies.csv", b"PAR1" + bytes(99))),
    Bad("movies.csv", "is a gzip that was cut off", BUILD, "cannot be unpacked", 1,
        change("movies.csv", lambda content: gzip.compress(content)[:-99])),
    Bad("movies.csv", "has a cell of 20 MB", BUILD, "field larger than field limit", 1,
        change("movies.csv", lambda content: content.replace(b"Film 7", b"x" * 20000000))),
    Bad("movies.csv", "has words for ids", BUILD, "no row has a number as id", 1,
        change("movies.csv", lambda content: b"".join(content.splitlines(True)[:3]).replace(
            b",1,", b",one,").replace(b",2,", b",two,"))),
    Bad("movies.csv", "is cut off in a row", EXTRACT, "cut off", 1,
        change("movies.csv", lambda content: content[:content.rindex(b"1999-")])),
    Bad("movies.csv", "has a film without a title", BUILD + " --strict", "row without a title", 1,
        change("movies.csv", lambda content: content.replace(b"Film 7,", b","))),
    Bad("movies.csv", "is of other films", BUILD, "no overview in common", 1,
        change("movies.csv", lambda content: content.replace(b"man", b"cat"))),
    Bad("movies.csv", "is of other films", EVALUATE, "no overview in common", 1,
        change("movies.csv", lambda content: content.replace(b"man", b"cat"))),
    # checkpoints
    Bad("tiny/", "is not there", EXTRACT.replace("tiny", "none"), "no checkpoint folder none", 1,
        nothing),
    Bad("bert_config.json", "is not there", EXTRACT, "bert_config.json is missing", 1,
        without("tiny/bert_config.json")),
    Bad("bert_config.json", "is no JSON", EXTRACT, "not a readable BERT config", 1,
        put("tiny/bert_config.json", "{")),
    Bad("bert_config.json", "is a list", EXTRACT, "a JSON object is needed", 1,
        put("tiny/bert_config.json", "[]")),
    Bad("bert_config.json", "is nested 100,000 deep", EXTRACT, "not a readable BERT config", 1,
        put("tiny/bert_config.json", nested(100000))),
    Bad("bert_config.json", "has text for a number", EXTRACT, "hidden_size is '8'", 1,
        config(hidden_size="8")),
    Bad("bert_config.json", "says another hidden size", EXTRACT, "has shape [11, 8]", 1,
        config(hidden_size=16)),
    Bad("bert_config.json", "has heads that do not divide", EXTRACT, "no multiple", 1,
        config(num_attention_heads=3)),
    Bad("bert_config.json", "has an unknown activation", EXTRACT, "hidden_act is 'swish'", 1,
        config(hidden_act="swish")),
    Bad("bert_config.json", "says one layer more", EXTRACT, "has no variable", 1,
        config(num_hidden_layers=5)),
    Bad("bert_config.json", "says a billion layers", EXTRACT, "num_hidden_layers is 1000000000", 1,
        config(num_hidden_layers=10 ** 9)),
    Bad("bert_config.json", "says fewer positions", EXTRACT, "more than the 128 positions", 1,
        config(max_position_embeddings=128)),
    Bad("vocab.txt", "has an entry more", EXTRACT, "has 12 entries", 1,
        change("tiny/vocab.txt", lambda content: content + b"cat\n")),
    Bad("vocab.txt", "is cut off", EXTRACT, "vocab_size 11", 1, cut("tiny/vocab.txt")),
    Bad("vocab.txt", "has no [SEP]", EXTRACT, "has no [SEP]", 1,
        change("tiny/vocab.txt", lambda content: content.replace(b"[SEP]", b"sep"))),
    Bad("vocab.txt", "is no UTF-8", EXTRACT, "not a readable vocabulary", 1,
        change("tiny/vocab.txt", lambda content: content + b"\xff")),
    Bad("bert_model.ckpt.index", "is not there", EXTRACT, "index is missing", 1,
        without("tiny/bert_model.ckpt.index")),
    Bad("bert_model.ckpt.index", "is text", EXTRACT, "not a readable checkpoint", 1,
        put("tiny/bert_model.ckpt.index", "weights")),
    Bad("bert_model.ckpt.data", "is not there", EXTRACT, "are missing", 1,
        without("tiny/bert_model.ckpt.data-00000-of-00001")),
    Bad("bert_model.ckpt.data", "is cut off", EXTRACT, "not a readable checkpoint", 1,
        cut("tiny/bert_model.ckpt.data-00000-of-00001")),
    Bad("bert_model.ckpt.data", "has a bit flipped", EXTRACT, "not a readable checkpoint", 1,
        flip("tiny/bert_model.ckpt.data-00000-of-00001")),
    # features, read
    Bad("features/", "is not there", BUILD.replace("features features", "features none"),
        "no features in none", 1, nothing),
    Bad("features.h5", "is not there", BUILD, "no features in features", 1,
        without("features/features.h5")),
    Bad("features.h5", "has a bit flipped", BUILD, "not a whole HDF5 file as it was written", 1,
        flip("features/features.h5", 0.7)),
    Bad("features.h5", "leads to a file elsewhere", MORE, "no link to a shard beside it", 1,
        links(again("7", link=h5py.ExternalLink("/etc/passwd", "/movies/7")))),
    Bad("features.h5", "leads up and out", MORE, "no link to a shard beside it", 1,
        links(again("7", link=h5py.ExternalLink("../movies.csv", "/movies/7")))),
    Bad("features.h5", "has a soft link", VERIFY, "7 is no link to a shard", 1,
        links(again("7", link=h5py.SoftLink("/8")))),
    Bad("features.h5", "is of another format", BUILD, "not a feature file of format", 1,
        links(lambda file: file.attrs.modify("format_version", 99))),
    Bad("features.h5", "has no layers", BUILD, "its attribute layers is missing", 1,
        links(lambda file: file.attrs.pop("layers"))),
    Bad("a shard", "has a bit flipped", BUILD, "does not have the checksum in its name", 1,
        in_shard(flip)),
    Bad("a shard", "has a bit flipped", VERIFY, "damaged in features: 1 of", 1, in_shard(flip)),
    Bad("a shard", "is cut off", EVALUATE, "not a whole HDF5 file", 1, in_shard(cut)),
    Bad("a shard", "declares 2 EiB of ids", BUILD, "ids is not stored in the file in one piece", 1,
        shard(again("ids", shape=_BIG, dtype=np.int64, chunks=(1024,)))),
    Bad("a shard", "has floats for ids", BUILD, "ids is float64", 1,
        shard(again("ids", data=np.ones(5)))),
    Bad("a shard", "has a link for ids", BUILD, "ids is a link to elsewhere", 1,
        shard(again("ids", link=h5py.ExternalLink("/etc/passwd", "/ids")))),
    Bad("a shard", "keeps its ids in another file", BUILD, "not stored in the file in one piece", 1,
        shard(again("ids", outside="/etc/passwd"))),
    Bad("a shard", "has offsets behind its end", BUILD, "declares more than it holds", 1,
        shard(lambda file: file["offsets"].write_direct(
            np.full(len(file["ids"]), 1 << 40, np.int64)))),
    Bad("a shard", "is of other settings", BUILD, "made with other settings", 1,
        shard(lambda file: file.attrs.modify("max_seq_length", 99))),
    Bad("features/shards/", "holds another file", BUILD, "x.h5 is not a shard", 1,
        put("features/shards/x.h5", "x")),
    Bad("a shard", "has NaN for film 7", BUILD, "features of movie 7 are not numbers", 1,
        layers_of(7, np.nan)),
    Bad("a shard", "has infinities for film 7", BUILD, "features of movie 7 are not numbers", 1,
        layers_of(7, np.inf)),
    Bad("a shard", "has zeros for film 7", BUILD, "features of movie 7 are not numbers or all zero",
        1, layers_of(7, 0)),
    # features, mixed
    Bad("features/", "is of other layers", MORE + " --layers -1,-2",
        "layers (-1, -2, -3, -4), not (-1, -2)", 1, nothing),
    Bad("features/", "is of another length", MORE + " --max_seq_length 64",
        "max_seq_length 256, not 64", 1, nothing),
    Bad("features/", "is of another dtype", MORE + " --dtype float16",
        "dtype float32, not float16", 1, nothing),
    Bad("flags", "another case than the checkpoint's", MORE + " --do_lower_case false",
        "tiny is uncased", 1, nothing),
    Bad("features/", "is not pooled", MORE + " --pooled", "pooled False, not True", 1, nothing),
    Bad("features/", "is of another checkpoint", MORE, "features with checkpoint_sha256", 1,
        change("tiny/vocab.txt", lambda content: content.replace(b"woman", b"child"))),
    # indexes
    Bad("index.h5", "is not there", FILM, "no index at index.h5", 1, without("index.h5")),
    Bad("index.h5", "is not there", SERVE, "no index at index.h5", 1, without("index.h5")),
    Bad("index.h5", "is cut off", SERVE, "not a whole HDF5 file", 1, cut("index.h5")),
    Bad("index.h5", "is a features.h5", RATE, "not an index of format", 1,
        lambda folder: os.replace(os.path.join(folder, "features/features.h5"),
                                  os.path.join(folder, "index.h5"))),
    Bad("index.h5", "is of another format", FILM, "not an index of format", 1,
        hdf5("index.h5", lambda file: file.attrs.modify("format_version", 99))),
    Bad("index.h5", "has floats for ids", FILM, "ids is float64", 1,
        hdf5("index.h5", again("ids", data=np.ones(200)))),
    Bad("index.h5", "has too few embeddings", SERVE, "embeddings is float32 (5, 8)", 1,
        hdf5("index.h5", again(_EMBEDDINGS, data=np.ones((5, 8), np.float32)))),
    Bad("index.h5", "has its embeddings elsewhere", FILM, "embeddings is a link to elsewhere", 1,
        hdf5("index.h5", again(_EMBEDDINGS, link=h5py.ExternalLink("other.h5", "/e")))),
    Bad("index.h5", "declares 2 EiB of embeddings", RATE, "not stored in the file in one piece", 1,
        hdf5("index.h5", again(_EMBEDDINGS, shape=(200, 1 << 50), dtype=np.float32,
                               chunks=(1, 1024)))),
    Bad("index.h5", "has NaN for a film", TEXT, "row 8 is not numbers", 1,
        hdf5("index.h5", lambda file: file[_EMBEDDINGS].__setitem__(8, np.nan))),
    Bad("index.h5", "has no titles", FILM, "title is missing", 1,
        hdf5("index.h5", lambda file: file.pop("title"))),
    Bad("index.h5", "marks films as adult by numbers", FILM, "adult is float64", 1,
        hdf5("index.h5", lambda file: file.__setitem__("adult", np.ones(200)))),
    Bad("index.h5", "is by an unknown recipe", SERVE, "that this version cannot repeat", 1,
        hdf5("index.h5", lambda file: file.attrs.__setitem__(
            "recipes", '[["mean4", [{"kind": "x"}]]]'))),
    Bad("index.h5", "is by a recipe without end", TEXT, "the list of its recipes is damaged", 1,
        hdf5("index.h5", lambda file: file.attrs.__setitem__("recipes", nested(20000)))),
    Bad("index.h5", "is of another checkpoint", TEXT, "not the checkpoint that the index was made",
        1, change("tiny/vocab.txt", lambda content: content.replace(b"woman", b"child"))),
    Bad("index.h5", "is of another checkpoint", SERVE + " --bert_dir tiny --preload",
        "not the checkpoint that the index was made", 1,
        change("tiny/vocab.txt", lambda content: content.replace(b"woman", b"child"))),
    Bad("tiny/", "is not there", TEXT.replace("tiny", "none"), "text queries need the checkpoint",
        1, nothing),
    Bad("features/", "is of another wording", WHY, "are no longer there", 1,
        hdf5("index.h5", lambda file: file["overview"].__setitem__(6, "a cat"))),
    # pickles
    Bad("emb.pickle", "is not there", GIVEN, "emb.pickle: No such file", 1, nothing),
    Bad("emb.pickle", "would run a command", GIVEN, "it asks for posix.system", 1,
        pickled({"Film 7": Call(os.system, "touch run")})),
    Bad("emb.pickle", "would evaluate code", GIVEN, "it asks for builtins.eval", 1,
        pickled({"Film 7": Call(eval, "1")})),
    Bad("emb.pickle", "is a list", GIVEN, "it holds no dict but list", 1, pickled([1, 2])),
    Bad("emb.pickle", "is cut off", GIVEN, "is not a pickle that is read here", 1,
        pickled(pickle.dumps({"Film 7": np.ones(8)}, 4)[:-20])),
    Bad("emb.pickle", "has objects in an array", GIVEN, "none of numbers", 1,
        pickled({"Film 7": np.array([None])})),
    Bad("emb.pickle", "has NaN for a film", GIVEN, "the value for 'Film 7'", 1,
        pickled({"Film 7": np.full(8, np.nan)})),
    Bad("emb.pickle", "has vectors of two lengths", GIVEN, "has 9 numbers, those before it 8", 1,
        pickled({"Film 7": np.ones(8), "Film 8": np.ones(9)})),
    Bad("emb.pickle", "is of other films", GIVEN, "keys of emb.pickle stand for no film", 1,
        pickled({"Jaws": np.ones(8)})),
    # archives and models
    Bad("model.zip", "is not there", MODEL, "there is no file or folder model.zip", 1, nothing),
    Bad("model.zip", "is no archive", MODEL, "not a zip archive", 1, put("model.zip", "x" * 999)),
    Bad("model.zip", "is cut off", MODEL, "not a zip archive", 1,
        zipped("model.zip", _NAMES, lambda content: content[:-30])),
    Bad("model.zip", "leads out with ../", MODEL, "leads out of its folder", 1,
        zipped("model.zip", {"../vocab.txt": b"x", **_NAMES})),
    Bad("model.zip", "leads to /", MODEL, "leads out of its folder", 1,
        zipped("model.zip", {"/vocab.txt": b"x", **_NAMES})),
    Bad("model.zip", "is a bomb of 16 GB", MODEL, "more than the 8,589,934,592", 1,
        zipped("model.zip", {str(n): b"x" for n in range(4)}, lambda content: content.replace(
            struct.pack("<II", 3, 1), struct.pack("<II", 3, (1 << 32) - 2)))),
    Bad("model.zip", "unpacks to more than it says", MODEL, "is corrupt", 1,
        zipped("model.zip", {"vocab.txt": bytes(1000000)}, says_size(10))),
    Bad("model.zip", "has a bit flipped", MODEL, "is corrupt", 1,
        zipped("model.zip", {"vocab.txt": os.urandom(10000)}, lambda content: (
            content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]))),
    Bad("model.zip", "holds no checkpoint", MODEL, "no checkpoint in it", 1,
        zipped("model.zip", {"README": b"x"})),
    Bad("model.zip", "holds a pickled model", MODEL, "is a pickle", 1,
        zipped("model.zip", {"config.json": b"{}", "pytorch_model.bin": b"x"})),
    Bad("model.zip", "holds rubbish under Google's names", MODEL, "not a readable BERT config", 1,
        zipped("model.zip", _NAMES)),
    Bad("model.zip", "lacks the vocabulary", MODEL, "vocab.txt is missing", 1,
        zipped("model.zip", {name: b"x" for name in _NAMES if name != "vocab.txt"})),
    Bad("model.zip", "holds another kind of model", MODEL, "model_type 'roberta'", 1,
        zipped("model.zip", {"config.json": b'{"model_type": "roberta"}', "vocab.txt": b"",
                             "model.safetensors": b"x"})),
    Bad("model.zip", "holds weights that are none", MODEL, "model.safetensors is not readable", 1,
        zipped("model.zip", {"config.json": BERT, "vocab.txt": VOCAB,
                             "model.safetensors": b"x" * 999})),
    Bad("data.zip", "leads out with ../", DATA, "leads out of its folder", 1,
        zipped("data.zip", {"../movies_metadata.csv": b"x"})),
    Bad("data.zip", "holds no catalogue", DATA, "has no movies_metadata.csv", 1,
        zipped("data.zip", {"links.csv": b"x"})),
    # where nothing can be written
    Bad("a folder", "is a file", EXTRACT, "new", 1, put("new", "")),
    Bad("a folder", "takes no files", EXTRACT.replace("new", "/proc/new"), "/proc/new", 1, nothing),
    Bad("a folder", "takes no files", BUILD.replace("new.h5", "/proc/new.h5"), "/proc/new.h5", 1,
        nothing),
    Bad("a folder", "takes no files", RATE + " --plot /proc/new.png", "/proc/new.png", 1, nothing),
    Bad("a folder", "takes no files", RATE + " --html /proc/new", "/proc/new", 1, nothing),
    Bad("queries.csv", "is not there", RATE + " --queries queries.csv", "queries.csv: No such file",
        1, nothing),
    Bad("queries.csv", "is of other films", RATE + " --queries queries.csv", "no film that is", 1,
        put("queries.csv", "id,text\n7777,a man\n")),
    Bad("a folder", "takes no files", MODEL.replace("new", "/proc/new"), "/proc/new", 1,
        zipped("model.zip", _NAMES)),
    Bad("an index", "is a folder", BUILD, "new.h5 is a folder", 1, folder_for("new.h5")),
    # flags
    Bad("flags", "no catalogue", "extract_features.py", "--input_file is missing", 2, nothing),
    Bad("flags", "no such flag", EXTRACT + " --gpu", "--gpu", 2, nothing),
    Bad("flags", "layers in words", EXTRACT + " --layers last", "'last' is not a list", 2, nothing),
    Bad("flags", "a layer too deep", EXTRACT + " --layers -9", "has 4 layers", 1, nothing),
    Bad("flags", "shards of 0 MB", EXTRACT + " --shard_mb 0", "0 is out of range", 2, nothing),
    Bad("flags", "no such recipe", BUILD + " --recipe stew", "no recipe 'stew'", 2, nothing),
    Bad("flags", "layers for a recipe of its own", BUILD + " --recipe last --layers -2",
        "has no choice of layers", 2, nothing),
    Bad("flags", "nothing asked for", "recommend.py --index index.h5", "name a film", 2, nothing),
    Bad("list.csv", "is empty", FILM + " --seen list.csv", "list.csv is empty", 1,
        put("list.csv", "")),
    Bad("list.csv", "names no film", TITLE + "--liked list.csv", "no film of the index", 2,
        put("list.csv", "Flim 7\n")),
    Bad("flags", "no film of that title", "recommend.py --index index.h5 --title Flim7",
        "no film is called 'Flim7'", 2, nothing),
    Bad("flags", "no film of that id", FILM + "777", "no movie with id 7777", 2, nothing),
    Bad("movies.csv", "has no overview of the film", FILM, _NO_OVERVIEW, 2, lacks_overview(7, "")),
    Bad("movies.csv", "has no overview of the film", TITLE + "Film 7", _NO_OVERVIEW, 2,
        lacks_overview(7, "NULL")),
    Bad("movies.csv", "has no overview of the film", TITLE + "tt0000007", _NO_OVERVIEW, 2,
        lacks_overview(7, "No overview found.")),
    Bad("movies.csv", "has no overview of the film", TITLE + "film 8 --not-id 7", _NO_OVERVIEW, 2,
        lacks_overview(7, "N/A")),
    Bad("flags", "a text of emoji", "recommend.py --index index.h5 --bert_dir tiny --overview 👽🚀",
        'tiny knows no word of "👽🚀"', 2, nothing),
    Bad("flags", "a text of another script",
        "recommend.py --index index.h5 --bert_dir tiny --overview привет", "knows no word", 2,
        nothing),
    Bad("flags", "an empty text", "recommend.py --index index.h5 --overview=",
        "the text is empty", 2, nothing),
    Bad("flags", "no recommendations", FILM + " -k 0", "0 is out of range", 2, nothing),
    Bad("flags", "a port that is none", SERVE + " --port 99999", "out of range", 2, nothing),
    Bad("flags", "a host that is none", SERVE + " --host no.such.host.invalid", "cannot listen on",
        1, nothing),
    Bad("flags", "no such recipe", EVALUATE + ",stew", "no recipe 'stew'", 2, nothing),
    Bad("flags", "nothing to get", "download.py", "say what to get", 2, nothing),
]


def run(short: bool) -> List[Row]:
    world = finished_world()
    table = [*{bad.command.split()[0]: bad for bad in TABLE}.values()] if short else TABLE
    with temporary_folder() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        def attempt(n: int) -> str:
            at = os.path.join(folder, str(n))
            copies(world, at)
            wrong = _try(table[n], at)
            if wrong:
                tell(wrong)
            return wrong

        wrong = list(filter(None, pool.map(attempt, range(len(table)))))
    return [Row("bad inputs: one line that says what is wrong, the right exit code",
                len(table), len(wrong))]


def copies(world: World, at: str) -> None:
    """Copy the files of a world into the new folder `at`."""
    os.mkdir(at)
    for path in (world.catalogue, world.bert_dir, world.features, world.index):
        copy_of(path, os.path.join(at, os.path.basename(path)))


def one_line_of(done: Done) -> str:
    """Return the line in which a program told its error, or "" unless that was its only and last
    line of an error."""
    told = [line for line in done.err.replace("\r", "\n").splitlines() if ": error: " in line]
    well = (len(told) == 1 and done.err.endswith(told[0] + "\n")
            and "Traceback" not in done.err)
    return told[0] if well else ""


def _try(bad: Bad, at: str) -> str:
    """Return what is wrong with how a program answers a bad input, or ""."""
    bad.spoil(at)
    name, *flags = bad.command.split()
    done = finish(program(name, *flags), cwd=at)
    well = done.code == bad.code and bad.told in one_line_of(done)
    left = [os.path.basename(path) for pattern in ("new.h5*", "run")
            for path in glob.glob(os.path.join(at, pattern)) if os.path.isfile(path)]
    if well and not left:
        return ""
    return "{} {}: {}\nexit code {} instead of {}, left {}, said {!r} instead of {!r}".format(
        bad.file, bad.wrong, bad.command, done.code, bad.code, left, done.err[-700:], bad.told)
