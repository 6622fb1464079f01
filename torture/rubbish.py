"""Rubbish in place of each file that a program reads: one line says so, never a traceback.

Random bytes (a million), the file itself cut in half, an empty file, and files of other kinds.
Half of a table of numbers (ratings.csv, links.csv) is not tried: it is a shorter table.
"""

import glob
import gzip
import os
import pickle
import struct
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Dict, List

import h5py
import numpy as np

from torture.inputs import (
    BERT,
    BUILD,
    EVALUATE,
    EXTRACT,
    FILM,
    GIVEN,
    MODEL,
    RATE,
    TEXT,
    VERIFY,
    VOCAB,
    WHY,
    copies,
    one_line_of,
)
from torture.table import Row
from torture.worlds import (
    World,
    draw_for,
    finish,
    finished_world,
    program,
    tell,
    temporary_folder,
)

_CONFIG, _VOCAB = "tiny/bert_config.json", "tiny/vocab.txt"
_INDEX = "tiny/bert_model.ckpt.index"
_WEIGHTS = "tiny/bert_model.ckpt.data-00000-of-00001"
_LINKS, _SHARD = "features/features.h5", "features/shards/00000-*.h5"
INPUTS = {
    EXTRACT: ("movies.csv", _CONFIG, _VOCAB, _INDEX, _WEIGHTS),
    VERIFY: (_LINKS, _SHARD),
    BUILD: ("movies.csv", _LINKS, _SHARD),
    GIVEN: ("emb.pickle",),
    FILM: ("index.h5",),
    TEXT: (_CONFIG, _VOCAB, _INDEX, _WEIGHTS),
    WHY: (_LINKS, _SHARD),
    "server.py --index index.h5 --bert_dir tiny --preload --port 0":
        ("index.h5", _CONFIG, _VOCAB, _INDEX, _WEIGHTS),
    EVALUATE: ("movies.csv", _LINKS, _SHARD, "keywords.csv", "ratings.csv", "links.csv"),
    RATE: ("index.h5",),
    MODEL: ("model.zip",),
    "download.py --tmp_dir new --model tiny": (_CONFIG, _VOCAB),
    "download.py --tmp_dir new --model model":
        ("model/config.json", "model/vocab.txt", "model/model.safetensors"),
    "download.py --data_dir new --data data.zip": ("data.zip",),
    "download.py --data_dir new --data movies": (".kaggle/kaggle.json",),
}


def run(short: bool) -> List[Row]:
    world = finished_world()
    tries = [(command, name, kind) for command, names in INPUTS.items() for name in names
             for kind in ("random bytes", "half of it", "nothing", "PNG", "gzip", "HDF5", "CSV")
             if not (kind == "half of it" and name in ("ratings.csv", "links.csv"))]
    if short:  # random bytes, once for each program
        tries = list({command.split()[0]: (command, name, kind) for command, name, kind in tries
                      if kind == "random bytes"}.values())
    with temporary_folder() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        rubbish = _rubbish(folder)

        def attempt(n: int) -> str:
            wrong = _try(world, rubbish, os.path.join(folder, str(n)), *tries[n])
            if wrong:
                tell(wrong)
            return wrong

        wrong = list(filter(None, pool.map(attempt, range(len(tries)))))
    return [Row("random bytes, half a file, none, and files of other kinds as each input of each "
                "program", len(tries), len(wrong))]


def _rubbish(folder: str) -> Dict[str, bytes]:
    """Return the content of each kind of rubbish."""
    path = os.path.join(folder, "other.h5")
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(1000)
    with open(path, "rb") as file:
        hdf5 = file.read()
    draw = draw_for("rubbish")
    text = b"a,b\n" + b"1,2\n" * 1000
    return {"random bytes": draw.getrandbits(8000000).to_bytes(1000000, "little"), "nothing": b"",
            "PNG": _png(), "gzip": gzip.compress(text), "HDF5": hdf5, "CSV": text}


def _png() -> bytes:
    """Return a black PNG of 64 x 64 pixels."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)) + chunk(
            b"IDAT", zlib.compress(bytes(64 * 65))) + chunk(b"IEND", b"")


def _try(world: World, rubbish: Dict[str, bytes], at: str, command: str, name: str,
         kind: str) -> str:
    """Return what is wrong with how a program answers rubbish, or ""."""
    copies(world, at)
    _more_files(at)
    path, = glob.glob(os.path.join(at, name))
    with open(path, "rb") as file:
        content = file.read()
    with open(path, "wb") as file:
        file.write(content[:len(content) // 2] if kind == "half of it" else rubbish[kind])
    program_name, *flags = command.split()
    done = finish(program(program_name, *flags), cwd=at, env={**os.environ, "HOME": at})
    if done.code == 1 and one_line_of(done) and not os.path.exists(os.path.join(at, "new.h5")):
        return ""
    return "{} as {}: {}\nexit code {}, said {!r}".format(
        kind, name, command, done.code, done.err[-700:])


def _more_files(at: str) -> None:
    """Write more valid files beside those of the world."""
    def put(name: str, content: bytes) -> None:
        os.makedirs(os.path.dirname(os.path.join(at, name)), exist_ok=True)
        with open(os.path.join(at, name), "wb") as file:
            file.write(content)

    put("keywords.csv", b"id,keywords\n7,\"[{'id': 1, 'name': 'sea'}]\"\n" * 9)
    put("ratings.csv", b"userId,movieId,rating\n1,7,5.0\n")
    put("links.csv", b"movieId,tmdbId\n7,7\n")
    put("emb.pickle", pickle.dumps({"Film 7": np.ones(8), "Film 8": np.ones(8)}, 4))
    put("model/config.json", BERT.encode())
    put("model/vocab.txt", VOCAB.encode())
    put("model/model.safetensors", struct.pack("<Q", 2) + b"{}")
    put(".kaggle/kaggle.json", b'{"username": "u", "key": "k"}')
    for archive, members in (("model.zip", glob.glob(os.path.join(at, "tiny/*"))),
                             ("data.zip", [os.path.join(at, "movies.csv")])):
        with zipfile.ZipFile(os.path.join(at, archive), "w") as file:
            for member in members:
                file.write(member, os.path.basename(member).replace(
                    "movies.csv", "movies_metadata.csv"))
