"""download.py against a local HTTP server, and its conversion read back with TensorFlow."""

import base64
import hashlib
import http.server
import io
import json
import os
import re
import socket
import threading
import zipfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from safetensors.numpy import save_file

import download
from bert.checkpoint import read_config

CONFIG = {"vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
          "intermediate_size": 16, "max_position_embeddings": 12, "type_vocab_size": 2,
          "hidden_act": "gelu"}
VOCABULARY = "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz"]) + "\n"
GOOGLE = {
    "bert_config.json": json.dumps(CONFIG).encode(), "vocab.txt": VOCABULARY.encode(),
    "bert_model.ckpt.meta": b"graph", "bert_model.ckpt.index": b"index",
    "bert_model.ckpt.data-00000-of-00001": np.random.RandomState(0).bytes(20000)}
MOVIES = {name: name.encode() for name in download.MOVIE_FILES}


class Server(http.server.ThreadingHTTPServer):
    """Serves `body` at every address and keeps what was asked for and how much was sent."""

    body = b""
    status = 200
    content_type = "application/zip"
    ranges = True
    cut_at = None  # bytes of the whole after which the connection is closed

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests, self.sent = [], []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/file.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        """Keep the test's output clean."""

    def do_GET(self):  # noqa: N802, the name is the standard library's
        server = self.server
        server.requests.append(dict(self.headers))
        etag = '"{}"'.format(hashlib.sha256(server.body).hexdigest())
        wanted = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        start = 0
        if wanted and server.ranges and self.headers.get("If-Range") == etag:
            start = int(wanted.group(1))
        self.send_response(206 if start else server.status)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.body) - 1}"
                                              f"/{len(server.body)}")
        self.send_header("Content-Type", server.content_type)
        self.send_header("Content-Length", str(len(server.body) - start))
        self.send_header("ETag", etag)
        self.end_headers()
        part = server.body[start:server.cut_at]
        server.sent.append(len(part))
        self.wfile.write(part)
        self.close_connection = True


@pytest.fixture
def server(monkeypatch):
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(download, "WWM_URL", running.url)
        monkeypatch.setattr(download, "MOVIES_URL", running.url)
        yield running
        running.shutdown()


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """No credentials, proxies or pauses of this machine reach a test."""
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "KAGGLE_JSON", str(tmp_path / "kaggle.json"))
    monkeypatch.setattr(download, "RETRY_PAUSE", 0)


def zipped(files, folder=""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(folder + name, content)
    return buffer.getvalue()


@pytest.fixture
def run(tmp_path, capsys):
    """Run download.py in this process; returns exit code, stdout and the error lines."""
    def run_(*arguments):
        code = download.main(list(arguments) + ["--tmp_dir", str(tmp_path / "tmp"),
                                                "--data_dir", str(tmp_path / "data")])
        out, err = capsys.readouterr()
        errors = [line for line in err.splitlines() if "error:" in line]
        assert len(errors) == (1 if code else 0)
        assert "Traceback" not in err
        return code, out, "".join(errors)
    return run_


def files_of(folder):
    """Relative path to content of everything below `folder`."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def test_full_download_leaves_the_five_files_and_nothing_else(server, run, tmp_path):
    server.body = zipped(GOOGLE, folder="wwm_uncased_L-24_H-1024_A-16/")
    code, out, _ = run("--model", "wwm")
    assert code == 0
    assert download.RESEARCH in out
    assert files_of(tmp_path / "tmp") == {
        os.path.join(download.RESEARCH, name): content for name, content in GOOGLE.items()}


def test_cut_download_goes_on_where_it_broke_off(server, run, tmp_path):
    server.body = zipped(GOOGLE)
    half = server.cut_at = len(server.body) // 2
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert "run the same command again" in error
    assert not (tmp_path / "tmp" / download.RESEARCH).exists()
    server.cut_at = None
    assert run("--model", "wwm")[0] == 0
    assert server.requests[-1]["Range"] == f"bytes={half}-"
    assert server.sent == [half, len(server.body) - half]
    assert files_of(tmp_path / "tmp" / download.RESEARCH) == GOOGLE


def test_a_changed_file_is_not_joined_to_the_old_half(server, run, tmp_path):
    server.body = zipped(GOOGLE)
    server.cut_at = len(server.body) // 2
    assert run("--model", "wwm")[0] == 1
    other = dict(GOOGLE, **{"bert_model.ckpt.index": b"another"})
    server.body, server.cut_at = zipped(other), None
    assert run("--model", "wwm")[0] == 0
    assert server.sent[-1] == len(server.body)
    assert files_of(tmp_path / "tmp" / download.RESEARCH) == other


def test_a_server_without_ranges_makes_it_start_again(server, run, tmp_path):
    server.body, server.ranges = zipped(GOOGLE), False
    server.cut_at = len(server.body) // 2
    assert run("--model", "wwm")[0] == 1
    server.cut_at = None
    assert run("--model", "wwm")[0] == 0
    assert "Range" in server.requests[-1]
    assert server.sent[-1] == len(server.body)
    assert files_of(tmp_path / "tmp" / download.RESEARCH) == GOOGLE


def test_a_corrupt_archive_is_refused_and_fetched_anew_next_time(server, run, tmp_path):
    good = zipped(GOOGLE)
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 0xFF
    server.body = bytes(bad)
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert "corrupt" in error
    assert files_of(tmp_path / "tmp") == {}
    server.body = good
    assert run("--model", "wwm")[0] == 0


def test_404_names_address_and_folder(server, run, tmp_path):
    server.status, server.body = 404, b"gone"
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert "404" in error
    assert server.url in error
    assert str(tmp_path / "tmp" / download.RESEARCH) in error
    assert files_of(tmp_path / "tmp") == {}


def test_a_full_disk_keeps_what_was_downloaded(server, run, monkeypatch):
    server.body = zipped(dict(GOOGLE, **{"bert_model.ckpt.meta": bytes(1 << 20)}))
    usage = type("Usage", (), {"free": len(server.body)})  # room for the archive, no more
    with monkeypatch.context() as full:
        full.setattr(download.shutil, "disk_usage", lambda _: usage)
        code, _, error = run("--model", "wwm")
    assert code == 1
    assert "bytes are needed" in error
    assert run("--model", "wwm")[0] == 0
    assert len(server.requests) == 1


def test_a_server_error_is_tried_again_before_it_is_told(server, run):
    server.status = 503
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert "503" in error
    assert len(server.requests) == 4


def test_an_html_page_is_no_archive(server, run, tmp_path):
    server.body, server.content_type = b"<html>sign in</html>", "text/html; charset=utf-8"
    code, _, error = run("--data", "movies")
    assert code == 1
    assert "HTML" in error
    assert download.MOVIES_PAGE in error
    assert files_of(tmp_path / "data") == {}


def test_no_network_names_address_and_folder(run, monkeypatch, tmp_path):
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/file.zip"
        monkeypatch.setattr(download, "WWM_URL", url)
        monkeypatch.setattr(download, "MOVIES_URL", url)
        for argument, address, folder in (
                (("--model", "wwm"), url, tmp_path / "tmp" / download.RESEARCH),
                (("--data", "movies"), download.MOVIES_PAGE, tmp_path / "data")):
            code, _, error = run(*argument)
            assert code == 1
            assert "refused" in error
            assert address in error
            assert str(folder) in error


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt"])
def test_a_name_that_leads_out_is_refused(run, tmp_path, name):
    archive = tmp_path / "m.zip"
    archive.write_bytes(zipped(dict(GOOGLE, **{name: b"evil"})))
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "leads out" in error
    assert not list(tmp_path.rglob("evil.txt"))
    assert files_of(tmp_path / "tmp") == {}


def test_an_archive_that_unpacks_to_too_much_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "MAX_UNPACKED_BYTES", 1 << 20)
    archive = tmp_path / "m.zip"
    archive.write_bytes(zipped(dict(GOOGLE, zeros=bytes(2 << 20))))
    assert archive.stat().st_size < 1 << 20
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "unpack" in error


def test_a_member_longer_than_its_header_says_is_refused(run, tmp_path):
    archive = tmp_path / "m.zip"
    whole = zipped({"bert_config.json": bytes(5000)})
    packed = (5000).to_bytes(4, "little")  # in the member's header and in the directory
    assert whole.count(packed) == 2
    archive.write_bytes(whole.replace(packed, (10).to_bytes(4, "little")))
    code, _, error = run("--model", str(archive))
    assert code == 1
    assert "corrupt" in error


@pytest.mark.parametrize("name", sorted(GOOGLE))
def test_each_of_the_five_files_is_needed(server, run, tmp_path, name):
    server.body = zipped({key: value for key, value in GOOGLE.items() if key != name})
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert name in error
    assert files_of(tmp_path / "tmp") == {}


def test_an_existing_checkpoint_is_left_alone(server, run, tmp_path):
    there = tmp_path / "tmp" / download.RESEARCH
    there.mkdir(parents=True)
    for name, content in GOOGLE.items():
        (there / name).write_bytes(content)
    code, out, _ = run("--model", "wwm")
    assert code == 0
    assert "already there" in out
    assert server.requests == []
    assert files_of(there) == GOOGLE


def test_an_unfinished_folder_in_the_way_is_neither_used_nor_removed(server, run, tmp_path):
    there = tmp_path / "tmp" / download.RESEARCH
    there.mkdir(parents=True)
    (there / "mine.txt").write_text("keep")
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert "in the way" in error
    assert files_of(there) == {"mine.txt": b"keep"}


def test_a_google_zip_with_a_sub_folder_takes_the_name_of_the_zip(run, tmp_path):
    archive = tmp_path / "small_bert.zip"
    archive.write_bytes(zipped(GOOGLE, folder="deep/er/"))
    assert run("--model", str(archive))[0] == 0
    assert files_of(tmp_path / "tmp" / "small_bert") == GOOGLE
    assert archive.exists()


# ---- Hugging Face's layout ----

def tensors_of(config, head=True, old_names=False):
    """Random tensors as transformers saves a BertModel: kernels are (out, in)."""
    H, W = config["hidden_size"], config["intermediate_size"]
    shapes = {"embeddings.word_embeddings.weight": (config["vocab_size"], H),
              "embeddings.position_embeddings.weight": (config["max_position_embeddings"], H),
              "embeddings.token_type_embeddings.weight": (config["type_vocab_size"], H),
              "pooler.dense": (H, H)}
    norms = ["embeddings.LayerNorm"]
    for n in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{n}."
        for part in ("query", "key", "value"):
            shapes[layer + "attention.self." + part] = (H, H)
        shapes[layer + "attention.output.dense"] = (H, H)
        shapes[layer + "intermediate.dense"] = (W, H)
        shapes[layer + "output.dense"] = (H, W)
        norms += [layer + "attention.output.LayerNorm", layer + "output.LayerNorm"]
    random = np.random.RandomState(1)
    tensors = {}
    for name, shape in shapes.items():
        if name.endswith("weight"):
            tensors[name] = random.rand(*shape)
        else:
            tensors[name + ".weight"], tensors[name + ".bias"] = (
                random.rand(*shape), random.rand(shape[0]))
    for name in norms:
        for part in ("gamma", "beta") if old_names else ("weight", "bias"):
            tensors[f"{name}.{part}"] = random.rand(H)
    tensors = {("bert." if head else "") + name: value.astype(np.float32)
               for name, value in tensors.items()}
    tensors["embeddings.position_ids"] = np.arange(12, dtype=np.int64)[None]
    return tensors


def hugging_face_folder(path, tensors, **config):
    path.mkdir()
    save_file(tensors, str(path / "model.safetensors"))
    (path / "config.json").write_text(json.dumps(dict(CONFIG, model_type="bert", **config)))
    (path / "vocab.txt").write_text(VOCABULARY)
    return path


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize("old_names", [True, False])
def test_conversion_renames_and_transposes(run, tmp_path, head, old_names):
    tensors = tensors_of(CONFIG, head, old_names)
    source = hugging_face_folder(tmp_path / "tiny", tensors)
    assert run("--model", str(source))[0] == 0
    target = tmp_path / "tmp" / "tiny"
    assert {path.name for path in target.iterdir()} == set(GOOGLE)
    assert read_config(str(target / "bert_config.json"))._asdict() == CONFIG
    reader = tf.train.load_checkpoint(str(target / "bert_model.ckpt"))
    shapes = reader.get_variable_to_shape_map()
    assert len(shapes) == 5 + 2 * 16 + 2
    assert shapes["bert/encoder/layer_1/intermediate/dense/kernel"] == [8, 16]
    prefix = "bert." if head else ""
    scale, shift = ("gamma", "beta") if old_names else ("weight", "bias")
    for google, own, transposed in (
            ("embeddings/word_embeddings", "embeddings.word_embeddings.weight", False),
            ("embeddings/position_embeddings", "embeddings.position_embeddings.weight", False),
            ("embeddings/LayerNorm/gamma", "embeddings.LayerNorm." + scale, False),
            ("encoder/layer_0/attention/self/query/kernel",
             "encoder.layer.0.attention.self.query.weight", True),
            ("encoder/layer_1/attention/self/key/bias",
             "encoder.layer.1.attention.self.key.bias", False),
            ("encoder/layer_1/attention/output/dense/kernel",
             "encoder.layer.1.attention.output.dense.weight", True),
            ("encoder/layer_0/output/LayerNorm/beta",
             "encoder.layer.0.output.LayerNorm." + shift, False),
            ("encoder/layer_1/output/dense/kernel", "encoder.layer.1.output.dense.weight", True),
            ("pooler/dense/kernel", "pooler.dense.weight", True)):
        expected = tensors[prefix + own]
        np.testing.assert_array_equal(reader.get_tensor("bert/" + google),
                                      expected.T if transposed else expected)


def test_a_zip_in_hugging_faces_layout_is_converted(run, tmp_path):
    source = hugging_face_folder(tmp_path / "source", tensors_of(CONFIG))
    archive = tmp_path / "tiny.zip"
    archive.write_bytes(zipped(files_of(source), folder="model/"))
    assert run("--model", str(archive))[0] == 0
    assert {path.name for path in (tmp_path / "tmp" / "tiny").iterdir()} == set(GOOGLE)


def test_a_missing_tensor_is_named(run, tmp_path):
    tensors = tensors_of(CONFIG)
    del tensors["bert.encoder.layer.1.output.dense.bias"]
    code, _, error = run("--model", str(hugging_face_folder(tmp_path / "tiny", tensors)))
    assert code == 1
    assert "bert.encoder.layer.1.output.dense.bias" in error
    assert files_of(tmp_path / "tmp") == {}


@pytest.mark.parametrize("change, word", [
    ({"hidden_size": 16}, "word_embeddings"), ({"hidden_act": "silu"}, "hidden_act"),
    ({"position_embedding_type": "relative_key"}, "position_embedding_type")])
def test_a_config_that_does_not_fit_is_refused(run, tmp_path, change, word):
    source = hugging_face_folder(tmp_path / "tiny", tensors_of(CONFIG))
    (source / "config.json").write_text(json.dumps(dict(CONFIG, model_type="bert", **change)))
    code, _, error = run("--model", str(source))
    assert code == 1
    assert word in error


def test_a_truncated_safetensors_is_one_line(run, tmp_path):
    source = hugging_face_folder(tmp_path / "tiny", tensors_of(CONFIG))
    weights = source / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    code, _, error = run("--model", str(source))
    assert code == 1
    assert "not readable" in error


def test_a_pickle_is_refused_with_the_way_out(run, tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    for name in ("config.json", "vocab.txt", "pytorch_model.bin"):
        (folder / name).write_bytes(b"{}")
    for path in (folder, folder / "pytorch_model.bin"):
        code, _, error = run("--model", str(path))
        assert code == 1
        assert "pickle" in error
        assert "safetensors" in error


def test_minilm_has_googles_103_variables(minilm):
    reader = tf.train.load_checkpoint(os.path.join(minilm, "bert_model.ckpt"))
    shapes = {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}
    assert len(shapes) == 103
    assert shapes == download.google_variables(
        read_config(os.path.join(minilm, "bert_config.json")))


# ---- the movie data ----

def basic(user, key):
    return "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()


def test_credentials_of_the_environment_arrive(server, run, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_USERNAME", "ada")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    server.body = zipped(MOVIES)
    assert run("--data", "movies")[0] == 0
    assert server.requests[-1]["Authorization"] == basic("ada", "secret")
    assert files_of(tmp_path / "data") == MOVIES


def test_credentials_of_kaggle_json_arrive(server, run, tmp_path):
    (tmp_path / "kaggle.json").write_text('{"username": "bob", "key": "token"}')
    server.body = zipped(MOVIES)
    assert run("--data", "movies")[0] == 0
    assert server.requests[-1]["Authorization"] == basic("bob", "token")


def test_without_credentials_it_tries_without(server, run):
    server.body = zipped(MOVIES)
    assert run("--data", "movies")[0] == 0
    assert "Authorization" not in server.requests[-1]


@pytest.mark.parametrize("text", ["not json", "[]", '{"username": "bob"}'])
def test_a_bad_kaggle_json_is_one_line(server, run, tmp_path, text):
    (tmp_path / "kaggle.json").write_text(text)
    code, _, error = run("--data", "movies")
    assert code == 1
    assert "kaggle.json" in error
    assert server.requests == []


def test_an_archive_got_by_hand_overwrites_nothing(run, tmp_path):
    archive = tmp_path / "archive.zip"
    archive.write_bytes(zipped(MOVIES))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "links.csv").write_bytes(b"mine")
    assert run("--data", str(archive))[0] == 0
    assert files_of(tmp_path / "data") == dict(MOVIES, **{"links.csv": b"mine"})
    code, out, _ = run("--data", str(archive))
    assert code == 0
    assert "already there" in out


def test_model_and_data_together(run, tmp_path):
    (tmp_path / "m.zip").write_bytes(zipped(GOOGLE))
    folder = tmp_path / "movies"
    folder.mkdir()
    (folder / "movies_metadata.csv").write_bytes(b"id")
    assert run("--model", str(tmp_path / "m.zip"), "--data", str(folder))[0] == 0
    assert files_of(tmp_path / "data") == {"movies_metadata.csv": b"id"}
    assert files_of(tmp_path / "tmp" / "m") == GOOGLE


# ---- the command line ----

@pytest.mark.parametrize("arguments", [[], ["--mod", "wwm"], ["--model"], ["wwm"]])
def test_wrong_usage_is_one_line_and_2(arguments, capsys):
    with pytest.raises(SystemExit) as leaving:
        download.main(arguments)
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("download.py: error: ")
    assert error.count("\n") == 1


def test_a_path_that_is_not_there_is_one_line(run, tmp_path):
    code, _, error = run("--model", str(tmp_path / "nowhere"))
    assert code == 1
    assert "nowhere" in error


def test_a_tmp_dir_that_is_a_file_is_one_line(server, run, tmp_path):
    (tmp_path / "tmp").write_text("in the way")
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert str(tmp_path / "tmp") in error
