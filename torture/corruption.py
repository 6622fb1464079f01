"""Damaged shards and features.h5 (truncated, a bit flipped) are found, named and repaired."""

import os
import random
from typing import Callable, List

from torture.table import Row
from torture.worlds import (
    World,
    copy_of,
    draw_for,
    films_a_shard,
    finish,
    finished_world,
    shards,
    tell,
    temporary_folder,
    wrong_films,
)


def run(short: bool) -> List[Row]:
    world, draw = finished_world(), draw_for("corruption")
    damages = {"truncated": _truncate, "with a byte flipped": _flip}
    rows = []
    for of, n in (("shard", 1 if short else 8), ("features.h5", 0 if short else 2)):
        for kind, damage in damages.items():
            lost = 0
            for _ in range(n):
                wrong = _try(world, of, damage, draw)
                if wrong:
                    lost += 1
                    tell("a {} {}: {}".format(of, kind, "; ".join(wrong)))
            if n:
                rows.append(Row("corruption: a {} {}".format(of, kind), n, lost))
    return rows


def _truncate(path: str, draw: random.Random) -> str:
    """Cut the file off at a random byte; return a description of that."""
    n_bytes = draw.randrange(os.path.getsize(path))
    os.truncate(path, n_bytes)
    return "cut off at byte {}".format(n_bytes)


def _flip(path: str, draw: random.Random) -> str:
    """Flip a random bit of the file; return a description of that."""
    at, bit = draw.randrange(os.path.getsize(path)), draw.randrange(8)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))
    return "bit {} of byte {} flipped".format(bit, at)


def _try(world: World, of: str, damage: Callable[[str, random.Random], str],
         draw: random.Random) -> List[str]:
    """Damage a copy of the features; return what the programs then do wrong."""
    with temporary_folder() as folder:
        output_dir = copy_of(world.features, os.path.join(folder, "features"))
        films = dict(films_a_shard(output_dir))
        name = draw.choice(sorted(films)) if of == "shard" else of
        path = os.path.join(output_dir, "shards" if of == "shard" else "", name)
        before = shards(output_dir)
        what = damage(path, draw)
        extraction = world.extraction(output_dir)
        index = os.path.join(folder, "index.h5")

        wrong = []
        built = finish(world._replace(features=output_dir).indexing(index))
        if built.code != 1 or name not in built.last_line or os.path.exists(index):
            wrong.append("build_index.py: {} {!r}".format(built.code, built.err))
        found = finish(extraction[:2] + ["--verify", "--output_dir", output_dir])
        if found.code != 1 or "{} is damaged".format(path) not in found.err:
            wrong.append("--verify: {} {!r}".format(found.code, found.err))
        repaired = finish(extraction)
        again = "{:,} films written".format(films[name]) if of == "shard" else "nothing to do"
        if repaired.code or again not in repaired.err:
            wrong.append("extraction: {} {!r}".format(repaired.code, repaired.err))
        else:
            after = shards(output_dir)
            wrong += ["{} was not kept".format(other) for other in before
                      if other != name and after.get(other) != before[other]]
            wrong += wrong_films(output_dir, world.features)
            verified = finish(extraction[:2] + ["--verify", "--output_dir", output_dir])
            wrong += [verified.err] if verified.code else []
        return ["{}, {}".format(name, what)] + wrong if wrong else []
