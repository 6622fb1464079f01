"""HDF5 files that another program opens: never called damaged, nothing set aside or redone."""

import glob
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Dict, List, NamedTuple, Tuple

import h5py

from tests.holding import held, look
from tests.served import Program
from torture.inputs import BUILD, EVALUATE, FILM, MORE, RATE, TEXT, VERIFY, WHY, copies, one_line_of
from torture.table import Row
from torture.worlds import (
    World,
    finish,
    finished_world,
    program,
    tell,
    temporary_folder,
    wrong_films,
)

_SERVE = "server.py --index index.h5 --bert_dir tiny --port 0"
_LINKS, _INDEX = os.path.join("features", "features.h5"), "index.h5"
_READERS = {  # programs that read a file, by the pattern of its name
    _LINKS: (MORE, VERIFY, BUILD, EVALUATE, WHY),
    os.path.join("features", "shards", "00001-*.h5"): (MORE, VERIFY, BUILD, EVALUATE, WHY),
    _INDEX: (FILM, TEXT, RATE, WHY, _SERVE)}
_WAYS = {  # what the other program does, with the mode of its h5py.File
    "looked at by another program": "default", "looked at by a program that was killed": "a",
    "open for reading in another program": "r", "open for writing in another program": "r+"}
_IN_USE = "open for writing in another program"  # the way that is an error


class _Try(NamedTuple):
    """A program that reads a file that another program has or had open."""

    name: str  # pattern of the file's name
    way: str  # one of _WAYS
    command: str


def run(short: bool) -> List[Row]:
    world = finished_world()
    tries = [_Try(name, way, command) for name, commands in _READERS.items() for way in _WAYS
             for command in commands]
    if short:  # each way with each file, and most of the programs
        tries = tries[::6] + tries[5::20]
    with temporary_folder() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = list(pool.map(lambda n: _wrong(world, os.path.join(folder, str(n)), tries[n]),
                              range(len(tries))))
    for tried, said in zip(tries, wrong):
        if said:
            tell("{}, {}: {}: {}".format(tried.name, tried.way, tried.command, "; ".join(said)))
    return [Row("programs that read a file that is {}: {}".format(way, (
                "one line says so, nothing is changed" if way == _IN_USE
                else "they work, nothing is set aside or computed again")),
                sum(each.way == way for each in tries),
                sum(each.way == way and bool(said) for each, said in zip(tries, wrong)))
            for way in _WAYS]


def _wrong(world: World, at: str, tried: _Try) -> List[str]:
    """Return what is wrong with how a program takes the file."""
    copies(world, at)
    path, = glob.glob(os.path.join(at, tried.name))
    before = _contents(at)
    with ExitStack() as stack:
        if tried.way.startswith("open"):
            stack.enter_context(held(path, _WAYS[tried.way]))
        else:
            look(path, _WAYS[tried.way], "killed" in tried.way)
        during = _contents(at)
        if tried.way == _IN_USE:
            return _wrong_refusal(at, os.path.relpath(path, at), tried.command, during)
        code, said = _answer(at, tried.command)
    wrong = ["{} {!r}".format(code, said)] if code or "damaged" in said else []
    again = finish(program(*MORE.split()), cwd=at)
    if again.code or "nothing to do" not in again.err or "damaged" in again.err:
        wrong.append("extraction: {} {!r}".format(again.code, again.err))
    after = _contents(at)
    wrong += ["{} was set aside".format(name) for name in set(after) - set(before)]
    # features.h5 is written anew after a look. The mark in an index hinders nobody.
    wrong += ["{} is not as it was".format(name) for name in before
              if name not in (_LINKS, _INDEX) and after.get(name) != before[name]]
    h5py.File(os.path.join(at, _INDEX), "r").close()
    return wrong + wrong_films(os.path.join(at, "features"), world.features)


def _wrong_refusal(at: str, name: str, command: str, before: Dict[str, bytes]) -> List[str]:
    """Return what is wrong with how a program refuses the file `name`, which is in use."""
    program_name, *flags = command.split()
    done = finish(program(program_name, *flags), cwd=at)
    wrong = []
    if done.code != 1 or "{} is in use: ".format(name) not in one_line_of(done):
        wrong.append("{} {!r}".format(done.code, done.err))
    return wrong + ["a file was changed"] * (_contents(at) != before)


def _answer(at: str, command: str) -> Tuple[int, str]:
    """Run a program; return its exit code and what it said. A server is asked and stopped."""
    name, *flags = command.split()
    if command != _SERVE:
        done = finish(program(name, *flags), cwd=at)
        return done.code, done.err
    server = Program(program(name, *flags), cwd=at)
    try:
        status, answer = server.get("/api/v1/recommend?id=7")
        code, _, said = server.stop()
        return code or int(status != 200), "{} {}".format(said.decode(), answer)
    finally:
        server.end()


def _contents(at: str) -> Dict[str, bytes]:
    """Return the bytes of the index and of all HDF5 files of the features, by path."""
    found = {}
    for pattern in ("index.h5*", "features/*.h5*", "features/shards/*"):
        for path in glob.glob(os.path.join(at, pattern)):
            with open(path, "rb") as file:
                found[os.path.relpath(path, at)] = file.read()
    return found
