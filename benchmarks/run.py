"""Measure the project beside its peers and write one Markdown table.

    make bench
    python -m benchmarks.run --only encoder-minilm --rounds 7

Every measure is a ratio of times that were taken in turns, or a plain count; the exit code says
whether measuring worked, never how fast anything was.
"""

import argparse
import os
import sys
from typing import Optional, Sequence

from benchmarks import costs, encoders, programs
from benchmarks.bench import DATA, Bench, machine, note
from benchmarks.environments import HERE, NotMeasured, versions
from benchmarks.table import Row, markdown
from recommender import cli
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.storage.files import write_text

ROOT = os.path.dirname(HERE)
MEASURES = {
    "pipelines": programs.pipelines,
    "tensorflow-2": programs.tensorflow_2,
    "encoder-minilm": encoders.minilm,
    "encoder-large": encoders.research_shape,
    "tokenising": costs.tokenising,
    "memory": costs.memory,
    "index": costs.index_building,
    "cold-start": costs.cold_start,
    "text-query": costs.text_query,
    "cold-text": costs.cold_text,
}


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    flags = cli.Flags(prog="benchmarks.run", description=__doc__.splitlines()[0])
    flags.add_argument("--input_file", help="the catalogue (default: data/movies_metadata.csv if "
                       "there, else data/sample_movies.csv)")
    flags.add_argument("--rounds", type=cli.whole_number(1), default=7,
                       help="turns of each engine; whole programs and the large shape have half")
    flags.add_argument("--only", nargs="+", choices=list(MEASURES), default=list(MEASURES),
                       metavar="NAME", help="measure only these: {}".format(", ".join(MEASURES)))
    flags.add_argument("--output", help="the Markdown file to write (default: none)")
    flags.add_argument("--data_dir", default=DATA, help="folder for what the measures make, kept "
                       "for later runs (default: benchmarks/.data)")
    flags.add_argument("--project", default=ROOT, help="folder of the code to measure")
    return flags.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> int:
    args = parse_flags(argv)
    full = os.path.join(ROOT, "data", "movies_metadata.csv")
    sample = os.path.join(ROOT, "data", "sample_movies.csv")
    csv = os.path.abspath(args.input_file or (full if os.path.exists(full) else sample))
    n_movies = len(read_catalogue(csv).movies)
    bench = Bench(os.path.abspath(args.project), csv, args.rounds, [
        machine(),
        "{}: {:,} overviews".format(os.path.basename(csv), n_movies),
        versions(sys.executable, ["tensorflow", "numpy", "h5py", "tokenizers"])],
        os.path.abspath(args.data_dir))
    rows = []
    for name in args.only:
        note(name)
        try:
            rows += MEASURES[name](bench)
        except NotMeasured as error:
            note("{}: {}".format(name, error))
            rows.append(Row(name, [], "", str(error)))
    text = markdown(rows, bench.facts)
    if args.output:
        write_text(args.output, text)
    print(text)
    return 0


if __name__ == "__main__":
    cli.run(main, (RecommenderError,))
