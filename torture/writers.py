"""Two extractions started together into one folder: exactly one goes on, the other says why."""

import os
import sys
from typing import List

from recommender.storage.feature_store import FeatureReader
from torture.table import Row
from torture.worlds import make_world, start, temporary_folder


def run(short: bool) -> List[Row]:
    n_races = 2 if short else 20
    lost = 0
    with temporary_folder() as folder:
        world = make_world(folder, 50)
        for race in range(n_races):
            output_dir = os.path.join(folder, "features{}".format(race))
            both = [start(world.extraction(output_dir)) for _ in range(2)]
            told = {process.pid: process.communicate()[1] for process in both}
            codes = {process.pid: process.returncode for process in both}
            winner, loser = sorted(codes, key=lambda pid: codes[pid])
            complete = len(FeatureReader(output_dir).digests()) == world.n_movies
            if not (sorted(codes.values()) == [0, 1] and complete
                    and "is being written by process {} ".format(winner) in told[loser]):
                lost += 1
                print("race {}: exit codes {}\n{}".format(race, codes, told), file=sys.stderr)
    return [Row("two extractions started together into one folder", n_races, lost)]
