#!/usr/bin/env python3
"""Train a model that predicts a film's genres from its overview, and measure it beside others.

    python train_genres.py --encoder bert --bert_dir tmp/all-MiniLM-L6-v2 \
        --input_file data/movies_metadata.csv

The folder that it writes is a checkpoint: extract_features.py --bert_dir takes it as it is. A run
that was interrupted continues when the same command is given again.
"""

import recommender.environment  # noqa: F401

import argparse
import json
import os
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from scipy.special import expit
from tqdm import tqdm

from bert import quiet
from bert.checkpoint import (
    Checkpoint,
    default_bert_dir,
    open_checkpoint,
    takes_lower_case,
    top_layers,
)
from bert.errors import BertError
from bert.tokenizing import WordPieces
from recommender import cli
from recommender.catalogue import read_catalogue
from recommender.errors import RecommenderError
from recommender.evaluation.truth import read_collections
from recommender.genres import genre_baselines as baselines
from recommender.genres import genre_report as report
from recommender.genres.genre_metrics import Answers, best_thresholds, figures, macro_map
from recommender.genres.head import KEPT_FOLD, GenreHead, Unseen, save_unseen
from recommender.genres.splits import MIN_FILMS, N_FOLDS, GenreTask, Split, make_task, split
from recommender.storage.files import need_room, new_file, new_folder, write_text
from recommender.storage.locks import one_writer

if TYPE_CHECKING:
    from bert.training import Epoch, Training

# Defaults that differ by encoder.
_DEFAULTS = {"bert": {"epochs": 3, "batch_size": 16, "learning_rate": 1e-4},
             "gru": {"epochs": 8, "batch_size": 32, "learning_rate": 1e-3}}
_WARMUP, _WEIGHT_DECAY = 0.1, 0.01  # those of BERT's fine-tuning
_DROPOUT = {"bert": 0.1, "gru": 0.4}  # BERT's own; a GRU from the start overfits sooner
_PIECE_DROPOUT = 0.15  # so that texts are not learnt by heart: BERT masks as many in pre-training
_AVERAGING = 100  # steps of the running mean of the weights: an epoch or two of 2,000 films
_BALANCE = 0.5  # power of negatives / positives by which a positive counts more
_LOGIT = {"bert": "fine-tuned BERT", "gru": "GRU"}  # names of the rows
_SETTINGS, _FROZEN, _RESULT = "settings.json", "frozen.npy", "result.npz"


def parse_flags(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse and check the flags; exit with code 2 where they are wrong."""
    flags = cli.Flags(prog="train_genres.py", description=__doc__.splitlines()[0])
    flags.add_argument("--input_file", required=True, help="the catalogue, a CSV in the format of "
                       "The Movies Dataset")
    flags.add_argument("--encoder", default="bert", choices=("bert", "gru"),
                       help="bert fine-tunes the checkpoint, gru trains a bidirectional GRU over "
                       "its word pieces")
    flags.add_argument("--bert_dir", help="folder of the checkpoint (default: the one in tmp/)")
    flags.add_argument("--output_dir", help="folder of the trained model (default: tmp/genres-bert "
                       "or tmp/genres-gru); OUTPUT_DIR.training keeps curves for TensorBoard")
    flags.add_argument("--folds", type=cli.whole_number(1, N_FOLDS), default=1, help="train and "
                       "measure so many of the {} folds; the model that is kept is of the "
                       "first".format(N_FOLDS))
    flags.add_argument("--epochs", type=cli.whole_number(1), help="passes over the films at most "
                       "(default: 3, of a GRU 8)")
    flags.add_argument("--patience", type=cli.whole_number(1), default=2, help="epochs without a "
                       "better validation after which it stops")
    flags.add_argument("--batch_size", type=cli.whole_number(1),
                       help="overviews of a step (default: 16, of a GRU 32)")
    flags.add_argument("--learning_rate", type=cli.positive_number,
                       help="highest learning rate (default: 1e-4, of a GRU 1e-3)")
    flags.add_argument("--train_layers", type=cli.whole_number(0), help="train only the top N "
                       "layers of BERT, not the embeddings (default: everything)")
    flags.add_argument("--max_seq_length", default=256, type=cli.whole_number(3),
                       help="word pieces after which an overview is cut, [CLS] and [SEP] included")
    flags.add_argument("--embeddings", default="checkpoint", choices=("checkpoint", "scratch"),
                       help="with what the GRU's word table begins")
    flags.add_argument("--units", default=192, type=cli.whole_number(1),
                       help="units of the GRU in each direction; its features have twice as "
                       "many, and a word's embedding")
    flags.add_argument("--min_films", default=MIN_FILMS, type=cli.whole_number(1),
                       help="leave out genres of fewer films, for all models alike")
    flags.add_argument("--seed", default=0, type=cli.whole_number(0, 2 ** 31 - 1),
                       help="for the order of the films, dropout, random weights and intervals")
    flags.add_argument("--json", action="store_true", help="print JSON")
    flags.add_argument("--verbose", action="store_true",
                       help="show TensorFlow's log lines and warnings")
    args = flags.parse_args(argv)
    args.output_dir = (args.output_dir or os.path.join("tmp", "genres-" + args.encoder)).rstrip("/")
    for name, value in _DEFAULTS[args.encoder].items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if args.train_layers is not None and args.encoder == "gru":
        flags.error("--train_layers goes with --encoder bert")
    return args


class World(NamedTuple):
    """All that a training needs: films, checkpoint, word pieces by film, embeddings by film.

    `frozen` is float32 (n, n_layers, hidden_size), the mean over tokens of the checkpoint's layers.
    """

    args: argparse.Namespace
    task: GenreTask
    checkpoint: Checkpoint
    do_lower_case: bool
    layers: List[int]
    token_ids: List[np.ndarray]
    frozen: np.ndarray


class Fold(NamedTuple):
    """The results of one fold: answers by model, the trained one last, and its epochs."""

    answers: Dict[str, Answers]
    epochs: Sequence["Epoch"]
    thresholds: np.ndarray
    test: np.ndarray


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run the program; return the exit code."""
    args = parse_flags(argv)
    quiet.silence(args.verbose)
    if os.path.exists(args.output_dir):
        raise RecommenderError("{} exists: remove it, or name another --output_dir".format(
            args.output_dir))
    checkpoint = open_checkpoint(args.bert_dir or default_bert_dir())
    if checkpoint.config.encoder != "bert":
        raise BertError("{} is no BERT: name the checkpoint of one with --bert_dir".format(
            checkpoint.name))
    if args.max_seq_length > checkpoint.config.max_position_embeddings:
        raise BertError("--max_seq_length {} is more than the {} positions of {}".format(
            args.max_seq_length, checkpoint.config.max_position_embeddings, checkpoint.name))
    catalogue = read_catalogue(args.input_file)
    cli.note(catalogue.report())
    task = make_task(catalogue.movies, read_collections(args.input_file, catalogue.movies),
                     args.min_films)
    cli.note(task.report())
    work = args.output_dir + ".training"
    os.makedirs(work, exist_ok=True)
    with one_writer(work), cli.stop_signals() as caught:
        _same_settings(work, args, checkpoint, catalogue.sha256)
        return train_all(args, task, checkpoint, work, caught)


def _same_settings(work: str, args: argparse.Namespace, checkpoint: Checkpoint,
                   catalogue: str) -> None:
    """Raise RecommenderError if a training in `work` was begun with other settings."""
    ours = {name: value for name, value in vars(args).items()
            if name not in ("json", "verbose", "input_file", "bert_dir", "output_dir", "folds")}
    ours.update(checkpoint=checkpoint.sha256, catalogue=catalogue, piece_dropout=_PIECE_DROPOUT,
                averaging=_AVERAGING)
    path = os.path.join(work, _SETTINGS)
    if not os.path.isfile(path):
        write_text(path, json.dumps(ours, indent=2))
        return
    try:
        with open(path, encoding="utf-8") as file:
            theirs = json.load(file)
    except ValueError:
        theirs = {}
    other = sorted(name for name in ours if theirs.get(name) != ours[name])
    if other:
        raise RecommenderError("a training in {} was begun with another {}: repeat that command to "
                               "go on, or remove the folder".format(work, ", ".join(other)))


def train_all(args: argparse.Namespace, task: GenreTask, checkpoint: Checkpoint, work: str,
              caught: List[int]) -> int:
    """Train the folds that `work` lacks, write the model and print the tables; return the code."""
    do_lower_case = takes_lower_case(checkpoint)
    pieces = WordPieces(checkpoint.vocab_file, do_lower_case)
    texts = [movie.overview for movie in task.movies]
    token_ids = [text.token_ids for text in pieces.encode(texts, args.max_seq_length)]
    layers = top_layers(checkpoint.config)
    frozen = _frozen(os.path.join(work, _FROZEN), checkpoint, layers, pieces, texts,
                     args.max_seq_length)
    world = World(args, task, checkpoint, do_lower_case, layers, token_ids, frozen)
    _tell_cost(world, work)
    folds = []
    for number in range(args.folds):
        fold = train_fold(world, number, os.path.join(work, "fold_{}".format(number)), caught)
        if fold is None:
            cli.note("stopped in fold {}: the same command continues from here".format(number))
            return 128 + caught[0]
        folds.append(fold)
    rows = [(name, figures([fold.answers[name] for fold in folds], args.seed))
            for name in folds[0].answers]
    told = report.as_dict(rows, task.genres, args.folds)
    _write_model(world, folds, work, told)
    cli.note("{} holds the model, {} its curves".format(args.output_dir, work))
    print(json.dumps(told, indent=2) if args.json else report.as_text(
        rows, task.genres, args.folds))
    return 0


def _frozen(path: str, checkpoint: Checkpoint, layers: Sequence[int], pieces: WordPieces,
            texts: Sequence[str], max_seq_length: int) -> np.ndarray:
    """Return the mean over tokens of layers of the checkpoint, from a file if it is there."""
    if os.path.isfile(path):
        found = np.load(path)
        if found.shape == (len(texts), len(layers), checkpoint.config.hidden_size):
            return found
    # Late, because TensorFlow takes seconds to import: what can be wrong is told before.
    from bert.extraction import mean_layers
    from bert.graphs import chosen_graph

    with cli.progress_bar("embeddings of the checkpoint", len(texts)) as advance:
        found = mean_layers(chosen_graph("ours", checkpoint, layers, "float32"), pieces, texts,
                            max_seq_length, advance)
    with new_file(path) as part, open(part, "wb") as file:
        np.save(file, found)
    return found


def _training(world: World, fold: int, folder: str,
              start: Optional[baselines.Linear] = None) -> "Training":
    """Return the training of a fold, whose head starts at `start`, or tells the shares alone."""
    # Late for start-up time: it loads TensorFlow.
    from bert.genre_model import GenreModel, Head
    from bert.training import Training
    from bert.training_data import Plan

    args, task = world.args, world.task
    share = task.labels[split(task, fold).train].mean(axis=0).clip(1e-3, 1 - 1e-3)
    odds = share / (1 - share)
    weights = odds ** -_BALANCE
    if start is None:
        start = baselines.Linear(np.zeros((_encoder(world).hidden_size, len(share))), np.log(odds))
    # The head learns with positives that count more; `Training.logits` takes that back.
    head = Head(start.kernel, start.bias + np.log(weights))
    plan = Plan(args.epochs, args.batch_size, args.learning_rate, _WARMUP, _WEIGHT_DECAY,
                _DROPOUT[args.encoder], _PIECE_DROPOUT, _AVERAGING, args.patience, args.seed)
    return Training(GenreModel(_encoder(world), len(share), head), plan, folder, weights)


def _encoder(world: World) -> Any:
    """Return the encoder to train."""
    args, checkpoint = world.args, world.checkpoint
    # Late for start-up time: it loads TensorFlow.
    if args.encoder == "bert":
        from bert.trainable import TrainableEncoder
        return TrainableEncoder(checkpoint, world.layers, args.train_layers)
    from bert.gru import TrainableGru, gru_config, read_words
    config = checkpoint.config
    return TrainableGru(
        gru_config(config.vocab_size, config.hidden_size, args.units,
                   config.max_position_embeddings),
        read_words(checkpoint) if args.embeddings == "checkpoint" else None, args.seed)


def _tell_cost(world: World, work: str) -> None:
    """Tell about how long the training takes, and its disk; raise OSError if that is too little."""
    # Late for start-up time: it loads TensorFlow.
    from bert.cost import seconds_of, training_bytes

    args, encoder = world.args, _encoder(world)
    missing = [fold for fold in range(args.folds) if not os.path.isfile(
        os.path.join(work, "fold_{}".format(fold), _RESULT))]
    n_tokens = args.epochs * sum(
        len(world.token_ids[row]) for fold in missing for row in split(world.task, fold).train)
    n_bytes = training_bytes(encoder.n_weights())
    cli.note("training {} fold{} takes about {:,.0f} minutes if all {} epochs are needed, and "
             "{:,.0f} MB of disk".format(
                 len(missing), "" if len(missing) == 1 else "s",
                 np.ceil(seconds_of(encoder, n_tokens) / 60), args.epochs, n_bytes / 1e6))
    if missing:
        need_room(work, n_bytes)


def train_fold(world: World, number: int, folder: str, caught: List[int]) -> Optional[Fold]:
    """Train and measure one fold, or read what was measured; None if a signal is caught."""
    task, parts = world.task, split(world.task, number)
    mean4 = world.frozen.mean(axis=1)
    answers = {name: _answers(task, parts, probabilities)[0] for name, probabilities in (
        ("majority", baselines.majority(task, parts)), ("TF-IDF", baselines.tfidf(task, parts)),
        ("frozen last layer", baselines.frozen(world.frozen[:, 0], task, parts)),
        ("frozen mean of layers", baselines.frozen(mean4, task, parts)))}
    training = _training(world, number, folder, _probe(world, parts))
    path = os.path.join(folder, _RESULT)
    if os.path.isfile(path):
        probabilities = np.load(path)["probabilities"]
    else:
        if not _run(training, world, parts, caught, number):
            return None
        probabilities = np.full(task.labels.shape, np.nan, np.float32)
        for rows in parts[1:]:
            probabilities[rows] = expit(training.logits(_examples(world, rows)))
        with new_file(path) as part, open(part, "wb") as file:
            np.savez(file, probabilities=probabilities)
        if number != KEPT_FOLD:
            training.clear()
    name = _LOGIT[world.args.encoder]
    answers[name], thresholds = _answers(task, parts, probabilities)
    return Fold(answers, training.history.epochs, thresholds, probabilities[parts.test])


def _probe(world: World, parts: Split) -> Optional[baselines.Linear]:
    """Return the logistic regression of the encoder as it is; None where it knows nothing yet."""
    args = world.args
    if args.encoder == "bert":
        return baselines.linear_probe(world.frozen.mean(axis=1), world.task, parts)
    if args.embeddings == "scratch":
        return None
    # Late for start-up time: it loads TensorFlow.
    from bert.gru import word_means
    of_words = baselines.linear_probe(word_means(world.checkpoint, world.token_ids), world.task,
                                      parts)
    # Of a state's numbers the word's are the last; those of the GRU begin without a say.
    return of_words._replace(kernel=np.pad(of_words.kernel, ((2 * args.units, 0), (0, 0))))


def _examples(world: World, rows: np.ndarray) -> Any:
    # Late for start-up time: it loads TensorFlow.
    from bert.training_data import Examples
    return Examples([world.token_ids[row] for row in rows],
                    world.task.labels[rows].astype(np.float32))


def _run(training: "Training", world: World, parts: Split, caught: List[int], number: int) -> bool:
    """Train one fold with a bar that shows loss and time left; False if it was stopped."""
    # Late for start-up time: it loads TensorFlow.
    from bert.training import Watch

    n_steps = training.plan.epochs * -(-len(parts.train) // training.plan.batch_size)
    with tqdm(total=n_steps, desc="fold {}".format(number), unit="step", file=cli.BarStream(),
              mininterval=0.5) as bar:

        def on_step(step: int, loss: float) -> None:
            told = {"loss": "{:.3f}".format(loss)}
            if training.history.epochs:
                told["mAP"] = "{:.3f}".format(training.history.epochs[-1].quality)
            bar.set_postfix(told, refresh=False)
            if bar.n == 0:
                bar.initial = step - 1  # what an earlier run did does not count for the rate
            bar.update(step - bar.n)

        return training.run(_examples(world, parts.train), _examples(world, parts.validation),
                            Watch(macro_map, on_step, lambda: bool(caught)))


def _answers(task: GenreTask, parts: Split,
             probabilities: np.ndarray) -> Tuple[Answers, np.ndarray]:
    """Return the answers for the test films, by thresholds of the validation films, and these."""
    thresholds = best_thresholds(task.labels[parts.validation], probabilities[parts.validation])
    found = probabilities[parts.test]
    return Answers(task.labels[parts.test], found, found >= thresholds), thresholds


def _write_model(world: World, folds: Sequence[Fold], work: str, told: Dict[str, Any]) -> None:
    """Write the folder of the first fold's model, whole or not at all."""
    # Late for start-up time: it loads TensorFlow.
    import tensorflow.compat.v1 as tf

    from bert.genre_folders import write_encoder

    args, task = world.args, world.task
    training = _training(world, KEPT_FOLD, os.path.join(work, "fold_{}".format(KEPT_FOLD)))
    encoder = _encoder(world)
    config = world.checkpoint.config if args.encoder == "bert" else encoder.config
    try:
        with new_folder(args.output_dir) as folder:
            head = write_encoder(folder, world.checkpoint, config, training.best_weights(),
                                 world.do_lower_case)
            GenreHead(task.genres, tuple(world.layers if args.encoder == "bert" else [-1]),
                      args.max_seq_length, world.do_lower_case, head.kernel,
                      head.bias - training.log_weights, folds[0].thresholds,
                      {"encoder": args.encoder, "trained_from": world.checkpoint.name,
                       "test_fold": KEPT_FOLD, **told}).save(folder)
            rows = np.concatenate([split(task, n).test for n in range(len(folds))])
            save_unseen(Unseen(np.array([movie.id for movie in task.movies])[rows],
                               np.concatenate([fold.test for fold in folds]),
                               task.folds[rows]), folder)
            report.plot([fold.epochs for fold in folds],
                        os.path.join(folder, "learning_curve.png"))
    except tf.errors.OpError as error:
        raise BertError("{} cannot be written ({}): make room and run the same command "
                        "again".format(args.output_dir, " ".join(error.message.split())))
    training.clear()


if __name__ == "__main__":
    cli.run(main, (BertError, RecommenderError))
