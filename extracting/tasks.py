"""The order that workers are given, and films cut into tasks of about equal cost."""

import itertools
import math
from typing import List, NamedTuple, Optional, Sequence, Tuple

from bert.checkpoint import Config
from recommender.storage.feature_store import MAX_SHARD_SECONDS
from recommender.storage.shards import Settings
from recommender.storage.worker_shards import Run

TRIES = 4  # tries of a task before the run gives up: as many as Spark's own default
_TASKS_A_WORKER = 32  # so that workers end within a 32nd of the run of each other
_LAST_TASKS, _PARTS = 2, 4  # tasks that a worker may have at the end, and parts of each of these
# Films that a task has at least, on average, before the last are cut: fewer make batches small
_FILMS_A_TASK = 64
_CHARACTERS_A_TOKEN = 4.5  # of an English overview
_RATE = 5e10  # floating-point operations a second that a core does at least


class Overview(NamedTuple):
    """The text of a film to extract."""

    id: int
    overview: str


class Task(NamedTuple):
    """Films that one worker computes and hands in as one shard."""

    number: int
    films: List[Overview]


class Job(NamedTuple):
    """Settings of a run that all of its workers are given.

    Attributes
    ----------
    run : Run
    settings : Settings
    config_file, vocab_file, init_checkpoint : str
        Absolute paths of the checkpoint's files.
    precision, graph : str
        Values of these flags.
    batch_tokens, batch_size : int
        Values of these flags, 0 where they are not given.
    verbose : bool
    n_cores : int
        Cores that a worker computes on, 0 for all.
    """

    run: Run
    settings: Settings
    config_file: str
    vocab_file: str
    init_checkpoint: str
    precision: str
    graph: str
    batch_tokens: int
    batch_size: int
    verbose: bool
    n_cores: int = 0


class Counts(NamedTuple):
    """Numbers of films written: all, those whose overview was cut, and those of whose overview
    no word is known."""

    n_done: int
    n_cut: int
    n_unknown: int


def number_of_tasks(films: Sequence[Overview], n_workers: int, n_bytes: float,
                    shard_bytes: int, config: Optional[Config] = None) -> int:
    """Return how many tasks to cut films into.

    Each takes at most about `shard_bytes` of the `n_bytes` bytes of all features, and
    MAX_SHARD_SECONDS of one core, reckoned from the sizes of the model.

    >>> films = [Overview(n, "A film.") for n in range(1000)]
    >>> number_of_tasks(films, 2, 1e6, 1 << 20), number_of_tasks(films, 2, 100e6, 1 << 20)
    (15, 96)
    """
    seconds = 0.0
    if config is not None:
        weights = config.num_hidden_layers * config.hidden_size * (
            4 * config.hidden_size + 2 * config.intermediate_size)
        n_tokens = sum(len(film.overview) for film in films) / _CHARACTERS_A_TOKEN
        seconds = 2 * weights * n_tokens / _RATE
    wanted = max(math.ceil(n_bytes / shard_bytes), math.ceil(seconds / MAX_SHARD_SECONDS),
                 min(_TASKS_A_WORKER * n_workers, len(films) // _FILMS_A_TASK), 1)
    return min(wanted, len(films))


def cut(films: Sequence[Overview], n_tasks: int, n_workers: int = 0) -> List[Task]:
    """Return the films cut into at most `n_tasks` tasks of about equally many characters.

    The longest films come first, and each task has films of similar length, so that its batches
    have little padding. Then the last two tasks for each of `n_workers` are cut into four: where
    one worker still computes what it was given and another has nothing left, that is little.

    >>> [[film.id for film in task.films] for task in cut(
    ...     [Overview(1, "ab"), Overview(2, "abcd"), Overview(3, "ab")], 2)]
    [[2], [1, 3]]
    """
    ordered = sorted(films, key=lambda film: -len(film.overview))
    ends = list(itertools.accumulate(1 + len(film.overview) for film in ordered))
    n_whole = max(0, n_tasks - _LAST_TASKS * n_workers)

    def part(item: Tuple[Overview, int]) -> int:
        n = min(n_tasks * _PARTS - 1, (item[1] - 1) * n_tasks * _PARTS // ends[-1])
        return n // _PARTS * _PARTS if n < n_whole * _PARTS else n

    groups = itertools.groupby(zip(ordered, ends), part)
    return [Task(number, [film for film, _ in group])
            for number, (_, group) in enumerate(groups)]
