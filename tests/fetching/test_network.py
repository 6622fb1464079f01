"""Downloads against a local HTTP server."""

import socket

from bert.checkpoint import RESEARCH
from fetching.datasets import DATA_SETS
from tests.fetching.sources import GOOGLE, files_of, zipped


def test_cut_download_goes_on_where_it_broke_off(server, run, tmp_path):
    server.body = zipped(GOOGLE)
    half = server.cut_at = len(server.body) // 2
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert "run the same command again" in error
    assert not (tmp_path / "tmp" / RESEARCH).exists()
    server.cut_at = None
    assert run("--model", "wwm")[0] == 0
    assert server.requests[-1]["Range"] == f"bytes={half}-"
    assert server.sent == [half, len(server.body) - half]
    assert files_of(tmp_path / "tmp" / RESEARCH) == GOOGLE


def test_a_changed_file_is_not_joined_to_the_old_half(server, run, tmp_path):
    server.body = zipped(GOOGLE)
    server.cut_at = len(server.body) // 2
    assert run("--model", "wwm")[0] == 1
    other = dict(GOOGLE, **{"bert_model.ckpt.index": b"another"})
    server.body, server.cut_at = zipped(other), None
    assert run("--model", "wwm")[0] == 0
    assert server.sent[-1] == len(server.body)
    assert files_of(tmp_path / "tmp" / RESEARCH) == other


def test_a_server_without_ranges_makes_it_start_again(server, run, tmp_path):
    server.body, server.ranges = zipped(GOOGLE), False
    server.cut_at = len(server.body) // 2
    assert run("--model", "wwm")[0] == 1
    server.cut_at = None
    assert run("--model", "wwm")[0] == 0
    assert "Range" in server.requests[-1]
    assert server.sent[-1] == len(server.body)
    assert files_of(tmp_path / "tmp" / RESEARCH) == GOOGLE


def test_404_names_address_and_folder(server, run, tmp_path):
    server.status, server.body = 404, b"gone"
    code, _, error = run("--model", "wwm")
    assert code == 1
    assert "404" in error
    assert server.url in error
    assert str(tmp_path / "tmp" / RESEARCH) in error
    assert files_of(tmp_path / "tmp") == {}


def test_a_full_disk_keeps_what_was_downloaded(server, run, monkeypatch):
    server.body = zipped(dict(GOOGLE, **{"bert_model.ckpt.meta": bytes(1 << 20)}))
    usage = type("Usage", (), {"free": len(server.body)})  # room for the archive, no more
    with monkeypatch.context() as full:
        full.setattr("recommender.storage.files.shutil.disk_usage", lambda _: usage)
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
    assert DATA_SETS["movies"].page in error
    assert files_of(tmp_path / "data") == {}


def test_no_network_names_address_and_folder(run, monkeypatch, tmp_path):
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/file.zip"
        monkeypatch.setattr("fetching.published.ADDRESS", url)
        monkeypatch.setattr("fetching.datasets.KAGGLE_URL", url)
        for argument, address, folder in (
                (("--model", "wwm"), url, tmp_path / "tmp" / RESEARCH),
                (("--data", "movies"), DATA_SETS["movies"].page, tmp_path / "data")):
            code, _, error = run(*argument)
            assert code == 1
            assert "refused" in error
            assert address in error
            assert str(folder) in error
