"""Train a genre model with tf.estimator: one fold, from the start or from where it stopped.

The order of the batches and the masks of dropout are functions of the seed and the step. So a
training that was killed goes on from its last checkpoint as if nothing had happened.
"""

import contextlib
import glob
import json
import os
import shutil
from typing import Any, Callable, Dict, Iterator, List, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from bert import gpu
from bert.adamw import AVERAGE, schedule, train_op
from bert.dropout import Dropout
from bert.errors import BertError
from bert.genre_model import GenreModel, loss_of
from bert.training_data import Examples, Plan, in_order, shuffled

_HISTORY = "history.json"  # validation figures of each epoch, in the folder of a training
_BEST = "best"             # beginning of the names of the best weights' files, there
_LOSS = "genre_loss"  # name of the collection in which a graph keeps its loss
_AVERAGED = 0.4  # share of all steps that the running mean spans at most: it must leave its start
_DRAWN = 100  # steps between two points of TensorBoard's curves


class Epoch(NamedTuple):
    """Figures after an epoch: training loss of its batches, and validation loss and quality."""

    step: int
    train_loss: float
    validation_loss: float
    quality: float


class Watch(NamedTuple):
    """Functions by which a training tells how it goes and learns what it is to do.

    Attributes
    ----------
    quality : callable
        Returns the quality of probabilities, given labels and probabilities, both (n, g).
    on_step : callable
        Is told the steps done and the loss.
    stopping : callable
        Returns True if the training is to stop after the running step.
    """

    quality: Callable[[np.ndarray, np.ndarray], float]
    on_step: Callable[[int, float], Any]
    stopping: Callable[[], bool]


class History:
    """The epochs of a training, in a file that survives a kill."""

    def __init__(self, folder: str, patience: int):
        self._path, self._patience = os.path.join(folder, _HISTORY), patience
        self.epochs = []  # type: List[Epoch]
        if os.path.isfile(self._path):
            with open(self._path, encoding="utf-8") as file:
                self.epochs = [Epoch(*values) for values in json.load(file)]

    def add(self, epoch: Epoch) -> bool:
        """Add an epoch; return True if it is the best so far."""
        is_best = all(epoch.quality > other.quality for other in self.epochs)
        self.epochs.append(epoch)
        return is_best

    def save(self) -> None:
        """Write the file, whole or not at all. Raises OSError."""
        part = self._path + ".part"
        with open(part, "w", encoding="utf-8") as file:
            json.dump(self.epochs, file)
        os.replace(part, self._path)

    @property
    def is_over(self) -> bool:
        """True if the last `patience` epochs were no better than one before."""
        best = max(range(len(self.epochs)), key=lambda n: self.epochs[n].quality, default=0)
        return len(self.epochs) - 1 - best >= self._patience

    @property
    def steps(self) -> List[int]:
        """The step at the end of each epoch."""
        return [epoch.step for epoch in self.epochs]


class Training:
    """The training of one genre model in a folder of its own.

    Parameters
    ----------
    model : GenreModel
    plan : Plan
    folder : str
        Checkpoints, summaries for TensorBoard and the history; made if it is missing.
    weights : np.ndarray
        float (g,): how many times a positive of each genre counts.

    Examples
    --------
    ::

        training = Training(model, plan, "tmp/training/fold_0", np.ones(19))
        training.run(train, validation, Watch(macro_map, print, lambda: False))
        logits = training.logits(test)
    """

    def __init__(self, model: GenreModel, plan: Plan, folder: str, weights: np.ndarray):
        self.plan, self.folder = plan, folder
        self._model, self._weights, self.log_weights = model, weights, np.log(weights)
        os.makedirs(folder, exist_ok=True)
        self.history = History(folder, plan.patience)
        # Training and validation are two sessions that must not wait for each other's threads.
        session_config = gpu.session_config() if gpu.is_there() else tf.ConfigProto()
        session_config.use_per_session_threads = True
        self._config = tf.estimator.RunConfig(
            folder, tf_random_seed=plan.seed, save_summary_steps=_DRAWN, keep_checkpoint_max=2,
            save_checkpoints_secs=None, save_checkpoints_steps=10 ** 9,
            log_step_count_steps=_DRAWN, session_config=session_config)
        self._n_steps = 0

    def run(self, train: Examples, validation: Examples, watch: Watch) -> bool:
        """Train to the end; return False if it was stopped before.

        Raises BertError if the loss is no number or the checkpoint cannot be written.
        """
        n_epoch = -(-len(train.token_ids) // self.plan.batch_size)
        self._n_steps = n_epoch * self.plan.epochs
        losses = {}  # type: Dict[int, float]
        estimator = self._estimator(self._config.replace(save_checkpoints_steps=n_epoch))
        self._watched = _Validation(watch.quality)
        best = _BestWeights(self, n_epoch, losses)
        evaluation = tf.estimator.EvalSpec(
            lambda: in_order(validation), steps=None, exporters=[best], start_delay_secs=0,
            throttle_secs=0)
        with _in_one_line(self.folder):
            step = _step_in(self.folder)
            # Killed between the checkpoint of an epoch and its validation: that is made up for.
            if step and step % n_epoch == 0 and step not in self.history.steps:
                best.export(estimator, "", tf.train.latest_checkpoint(self.folder),
                            estimator.evaluate(lambda: in_order(validation)), False)
            if step < self._n_steps and not self.history.is_over:
                hook = _Told(self, watch, losses)
                tf.estimator.train_and_evaluate(
                    estimator, tf.estimator.TrainSpec(
                        lambda: shuffled(train, self.plan, _step_in(self.folder)),
                        max_steps=self._n_steps, hooks=[hook]), evaluation)
        return self.history.is_over or self._n_steps in self.history.steps

    def logits(self, examples: Examples) -> np.ndarray:
        """Return the logits of texts by the best weights, float32 (n, g), without the weights of
        the positives: so their sigmoids are probabilities."""
        found = self._estimator(self._config).predict(
            lambda: in_order(examples), checkpoint_path=os.path.join(self.folder, _BEST))
        return np.stack([each["logits"] for each in found]) - self.log_weights

    def best_weights(self) -> Dict[str, np.ndarray]:
        """Return the best weights by name."""
        return read_weights(os.path.join(self.folder, _BEST))

    def clear(self) -> None:
        """Remove the weights; history and summaries stay."""
        for path in glob.glob(os.path.join(glob.escape(self.folder), "model.ckpt-*")) + glob.glob(
                os.path.join(glob.escape(self.folder), _BEST + ".*")):
            if os.path.isdir(path):  # TensorFlow was killed while it wrote a checkpoint there
                shutil.rmtree(path)
            else:
                os.remove(path)
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(self.folder, "checkpoint"))

    def _estimator(self, config: Any) -> Any:
        return tf.estimator.Estimator(self._model_fn, config=config)

    def _model_fn(self, features: Dict[str, tf.Tensor], labels: tf.Tensor, mode: str) -> Any:
        is_training = mode == tf.estimator.ModeKeys.TRAIN
        step = tf.train.get_or_create_global_step()
        plan, model = self.plan, self._model
        logits = model.logits(features["token_ids"], features["lengths"],
                              Dropout(plan.dropout if is_training else 0.0, plan.seed, step))
        if mode == tf.estimator.ModeKeys.PREDICT:
            return tf.estimator.EstimatorSpec(mode, {"logits": logits})
        loss = loss_of(logits, labels, self._weights)
        if not is_training:
            quality = self._watched.metric(labels, tf.sigmoid(logits))
            return tf.estimator.EstimatorSpec(mode, loss=loss, scaffold=self._averages(),
                                              eval_metric_ops={"quality": quality})
        tf.add_to_collection(_LOSS, loss)
        if not tf.train.latest_checkpoint(self.folder):
            model.encoder.start()
        rate = schedule(step, plan.learning_rate, self._n_steps, plan.warmup)
        tf.summary.scalar("learning_rate", rate)
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train_op(
            loss, tf.trainable_variables(), rate, plan.weight_decay, self._kept()))

    def _kept(self) -> float:
        """Return the share of itself that the running mean of the weights keeps in a step."""
        n = min(self.plan.averaging, _AVERAGED * self._n_steps)
        return 1 - 1 / n if n > 1 else 0.0

    def _averages(self) -> tf.train.Scaffold:
        """Return what reads the running means of a checkpoint into the variables of the graph."""
        trained = set(tf.trainable_variables()) if self._kept() else set()
        return tf.train.Scaffold(saver=tf.train.Saver({
            each.op.name + AVERAGE * (each in trained): each for each in tf.global_variables()}))


class _Validation:
    """A metric over all validation films together, for an Estimator."""

    def __init__(self, quality: Callable[[np.ndarray, np.ndarray], float]):
        self._quality = quality

    def metric(self, labels: tf.Tensor, probabilities: tf.Tensor) -> Any:
        """Return the operations that give the quality and that take up a batch."""
        seen = []  # type: List[Any]  # of this graph, which is made anew for each evaluation

        def take(labels: np.ndarray, probabilities: np.ndarray) -> np.float32:
            seen.append((labels, probabilities))
            return np.float32(0)

        def give() -> np.float32:
            return np.float32(self._quality(*map(np.concatenate, zip(*seen))))

        return (tf.py_func(give, [], tf.float32),
                tf.py_func(take, [labels > 0.5, probabilities], tf.float32))


class _BestWeights(tf.estimator.Exporter):
    """Keeps the weights of the best epoch and writes the history, after each validation."""

    name = "best"

    def __init__(self, training: Training, n_epoch: int, losses: Dict[int, float]):
        self._training, self._n_epoch, self._losses = training, n_epoch, losses

    def export(self, estimator: Any, export_path: str, checkpoint_path: str,
               eval_result: Dict[str, Any], is_the_final_export: bool) -> None:
        """Take up the validation of a checkpoint, if it is one at the end of an epoch."""
        history, step = self._training.history, int(eval_result["global_step"])
        if step % self._n_epoch or step in history.steps:  # stopped in the middle of an epoch
            return
        of_epoch = [loss for at, loss in self._losses.items() if at > step - self._n_epoch]
        train_loss = float(np.mean(of_epoch)) if of_epoch else float("nan")
        if history.add(Epoch(step, train_loss, float(eval_result["loss"]),
                             float(eval_result["quality"]))):
            kept = {name: value for name, value in read_weights(checkpoint_path).items()
                    if not name.endswith(("/adam_m", "/adam_v"))}
            means = {name[:-len(AVERAGE)]: kept.pop(name)
                     for name in list(kept) if name.endswith(AVERAGE)}
            write_weights({**kept, **means}, os.path.join(self._training.folder, _BEST))
        history.save()


class _Told(tf.train.SessionRunHook):
    """Tells each step and its loss, and stops where it is over or is to stop."""

    def __init__(self, training: Training, watch: Watch, losses: Dict[int, float]):
        self._training, self._watch, self._losses = training, watch, losses

    def after_create_session(self, session: tf.Session, coord: Any) -> None:
        # Counted from here on: read within a run, the step would be that before or after it.
        self._step = int(session.run(tf.train.get_global_step()))

    def before_run(self, run_context: Any) -> Any:
        loss, = tf.get_collection(_LOSS)
        return tf.train.SessionRunArgs(loss)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self._step += 1
        self._losses[self._step] = loss = float(run_values.results)
        self._watch.on_step(self._step, loss)
        if self._watch.stopping() or self._training.history.is_over:
            run_context.request_stop()


def read_weights(prefix: str) -> Dict[str, np.ndarray]:
    """Read all variables of a checkpoint, by name."""
    reader = tf.train.load_checkpoint(prefix)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def write_weights(weights: Dict[str, np.ndarray], prefix: str) -> None:
    """Write variables as a checkpoint; `prefix` is its path without the endings of its files.

    Raises tf.errors.OpError if they cannot be written; an older checkpoint of that name stays.
    """
    with tf.Graph().as_default(), tf.Session(config=gpu.cpu_config()) as session:
        names = sorted(weights)
        values = [tf.placeholder(weights[name].dtype, weights[name].shape) for name in names]
        part = prefix + ".part"
        try:
            session.run(tf.raw_ops.SaveV2(
                prefix=part, tensor_names=names, shape_and_slices=[""] * len(names),
                tensors=values), {value: weights[name] for value, name in zip(values, names)})
            session.run(tf.raw_ops.MergeV2Checkpoints(
                checkpoint_prefixes=[part], destination_prefix=prefix))
        finally:
            for path in glob.glob(glob.escape(part) + "*"):
                os.remove(path)


def _step_in(folder: str) -> int:
    """Return the step of the latest checkpoint of a folder, 0 if there is none."""
    latest = tf.train.latest_checkpoint(folder)
    return int(tf.train.load_variable(latest, "global_step")) if latest else 0


@contextlib.contextmanager
def _in_one_line(folder: str) -> Iterator[None]:
    """Raise a BertError of one line for what goes wrong in TensorFlow while it trains."""
    try:
        yield
    except tf.train.NanLossDuringTrainingError:
        raise BertError("the loss became NaN in {}: take a smaller --learning_rate, and remove "
                        "that folder to begin anew".format(folder))
    except (tf.errors.ResourceExhaustedError, tf.errors.UnknownError, tf.errors.DataLossError,
            tf.errors.InternalError, tf.errors.FailedPreconditionError,
            tf.errors.OutOfRangeError) as error:  # the last is of a file that cannot grow
        free = shutil.disk_usage(folder).free
        raise BertError("{} ({:,} bytes are free on the disk of {}): if that is too little, make "
                        "room; the same command goes on from the last checkpoint".format(
                            " ".join(error.message.split())[:200], free, folder))
