"""Regions of the map at three levels: their places and names, written into an index and read."""

from typing import Dict, List, Tuple

import h5py
import numpy as np

from recommender.storage.hdf5 import PlainFile

Regions = Dict[int, List[Tuple[float, float, str]]]  # by level: place on the map, and its name

# For each level, the coarsest first: most regions, and films that a region has on average at least.
LEVELS = ((12, 40), (40, 16), (160, 8))


def write_regions(group: h5py.Group, regions: Regions) -> None:
    """Write regions into the recipe's group of an index."""
    found = [(level, *region) for level, of_level in regions.items() for region in of_level]
    group["regions/levels"] = np.array([level for level, _, _, _ in found], np.uint8)
    group["regions/places"] = np.array(
        [place for _, *place, _ in found], np.float32).reshape(-1, 2)
    group.create_dataset("regions/names", dtype=h5py.special_dtype(vlen=str),
                         data=np.array([name for _, _, _, name in found], object))


def read_regions(file: PlainFile, group: str) -> Regions:
    """Return the regions that `write_regions` wrote into a group of an index, or none."""
    regions: Regions = {level: [] for level in range(len(LEVELS))}
    if file.holds(group + "regions"):
        levels = file.array(group + "regions/levels", np.uint8, (None,))
        places = file.array(group + "regions/places", np.float32, (len(levels), 2))
        names = file.read("its regions", file.texts(group + "regions/names", len(levels)))
        for level, (x, y), name in zip(levels.tolist(), places.tolist(), names):
            regions.setdefault(level, []).append((x, y, name))
    return regions
