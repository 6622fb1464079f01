"""Rates of whole programs, from a file of texts to vectors, without their start-up.

Each program runs with many texts and with few, and the difference counts; bert-as-service is
measured when it is warm.
"""

import os
import shutil
import sys
from functools import partial
from typing import Callable, List

import numpy as np

from benchmarks.bench import MINILM, RESEARCH_SHAPE, Bench, note
from benchmarks.catalogues import evenly, write_csv
from benchmarks.engines import in_turns
from benchmarks.environments import NotMeasured, peer_python, tensorflow_2_python, versions
from benchmarks.table import Row, ratios
from recommender.catalogue import read_catalogue
from recommender.movie import Movie

_FEW, _GOOGLE_MANY, _GOOGLE_FEW, _SERVICE = 200, 160, 32, 600
_LARGE_MANY, _LARGE_FEW = 110, 10  # of the large shape, which takes 20 times as long a film
# (-num_worker, -max_batch_size) among which bert-as-service is fastest.
_SERVICE_SETTINGS = (("1", "16"), ("2", "8"), ("2", "16"))


def pipelines(bench: Bench) -> List[Row]:
    """extract_features.py beside Google's script, bert-as-service and its own encoder."""
    movies = read_catalogue(bench.csv).movies
    bert_dir = bench.bert_dir(MINILM)
    made = bench.prepare("batches", bert_dir, bench.csv, "0",
                         bench.data("pipelines", "batches"), "0")
    encoder = bench.worker(sys.executable, "ours.py", bert_dir, "ours")
    order = {"batches": made["paths"]["0"], "streams": 1}
    tasks = {
        "extraction": partial(_steady, partial(_extract, bench), movies, len(movies), _FEW),
        "Google's script": partial(_steady, partial(_google, bench), movies, _GOOGLE_MANY,
                                   _GOOGLE_FEW),
        "encoder": lambda: len(movies) / encoder.ask(**order)["seconds"],
    }
    missing, service, setting = "", None, ""
    texts = sorted((movie.overview for movie in evenly(movies, _SERVICE)), key=len)
    texts_path = _write_lines(bench.data("pipelines", "service.txt"), texts)
    try:
        service, setting = _best_service(bench, bert_dir, texts_path)
        tasks["bert-as-service"] = lambda: len(texts) / service.ask(texts=texts_path)["seconds"]
    except NotMeasured as error:
        missing = str(error)
    try:
        encoder.ask(**order)
        note("{} rounds of {}".format(bench.few_rounds, ", ".join(tasks)))
        rates = in_turns(bench.few_rounds, tasks)
    finally:
        for worker in filter(None, (encoder, service)):
            worker.close()
    told = {name: "{:,.0f} overviews a second".format(np.median(found))
            for name, found in rates.items()}

    def row(other: str, target: str, how: str) -> Row:
        measure = "whole extraction / {}, MiniLM".format(other)
        if other not in rates:
            return Row(measure, [], target, missing)
        return Row(measure, ratios(rates["extraction"], rates[other]), target,
                   "{} and {}; {}".format(told["extraction"], told[other], how), "×")

    return [row("Google's script", "≥ 15", "at --max_seq_length 256"),
            row("bert-as-service", "≥ 1.6", "sorted by length; " + setting),
            row("encoder", "≥ 0.95", "the same batches")]


def _steady(run: Callable[[List[Movie]], float], movies: List[Movie], many: int,
            few: int) -> float:
    """Return the texts per second of `run`, its start-up time left out.

    `run` takes films and returns seconds.
    """
    seconds = [run(evenly(movies, n)) for n in (few, many)]
    return (many - few) / (seconds[1] - seconds[0])


def tensorflow_2(bench: Bench) -> List[Row]:
    """extract_features.py under TensorFlow 2.15 beside itself under 1.15."""
    python = tensorflow_2_python(bench.project)
    bench.facts.append(versions(python, ["tensorflow", "numpy", "h5py"]))
    movies = read_catalogue(bench.csv).movies
    rows = []
    for name, checkpoint, many, few in (("MiniLM", MINILM, len(movies), _FEW),
                                        ("24 × 1024", RESEARCH_SHAPE, _LARGE_MANY, _LARGE_FEW)):
        rates = in_turns(bench.few_rounds, {
            interpreter: partial(_steady, partial(_extract, bench, checkpoint=checkpoint,
                                                  python=interpreter), movies, many, few)
            for interpreter in (python, sys.executable)})
        rows.append(Row("whole extraction under TensorFlow 2.15 / under 1.15, " + name,
                        ratios(rates[python], rates[sys.executable]), "≥ 1.05",
                        "{:,.1f} and {:,.1f} overviews a second".format(
                            np.median(rates[python]), np.median(rates[sys.executable])), "×"))
    return rows


def _extract(bench: Bench, movies: List[Movie], checkpoint: str = MINILM,
             python: str = sys.executable) -> float:
    output = bench.data("pipelines", "features")
    shutil.rmtree(output, ignore_errors=True)
    return bench.program(
        "extract_features.py", "--bert_dir", bench.bert_dir(checkpoint), "--output_dir", output,
        "--input_file", write_csv(bench.data("pipelines", "movies.csv"), movies),
        python=python)[0]


def _google(bench: Bench, movies: List[Movie]) -> float:
    bert_dir = bench.bert_dir(MINILM)
    return bench.run([
        sys.executable, "-m", "bert.extract_features",
        "--input_file", _write_lines(bench.data("pipelines", "google.txt"),
                                     [movie.overview for movie in movies]),
        "--output_file", bench.data("pipelines", "google.json"),
        "--bert_config_file", os.path.join(bert_dir, "bert_config.json"),
        "--vocab_file", os.path.join(bert_dir, "vocab.txt"),
        "--init_checkpoint", os.path.join(bert_dir, "bert_model.ckpt"),
        "--max_seq_length", "256"])[0]


def _best_service(bench: Bench, bert_dir: str, texts: str):
    """bert-as-service started with the fastest of its settings, and which that is."""
    python = peer_python("bert_as_service")
    bench.facts.append(versions(python, ["bert-serving-server", "tensorflow"]))
    seconds = {}
    for setting in _SERVICE_SETTINGS:
        note("bert-as-service with {} workers, batches of {}".format(*setting))
        with bench.worker(python, "service.py", bert_dir, *setting) as worker:
            worker.ask(texts=texts)
            seconds[setting] = worker.ask(texts=texts)["seconds"]
    best = min(seconds, key=seconds.get)
    worker = bench.worker(python, "service.py", bert_dir, *best)
    worker.ask(texts=texts)
    return worker, "-num_worker {} -max_batch_size {}".format(*best)


def _write_lines(path: str, lines: List[str]) -> str:
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)
    return path
