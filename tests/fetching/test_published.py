"""The checkpoints that download.py knows by name."""

import subprocess
import sys

import pytest

from fetching.published import GROUPS, by_alias, near_names, published
from tests.conftest import ROOT
from tests.fetching.sources import GOOGLE, files_of, zipped

MINIATURE = {name: content for name, content in GOOGLE.items() if not name.endswith(".meta")}


@pytest.mark.parametrize("name, folder", [
    ("uncased_L-12_H-768_A-12", "uncased_L-12_H-768_A-12"),
    ("bert-base-cased", "cased_L-12_H-768_A-12"),
    ("BERT-Large, Cased (Whole Word Masking)", "wwm_cased_L-24_H-1024_A-16"),
    ("multi_cased_L-12_H-768_A-12", "multi_cased_L-12_H-768_A-12"),
    ("BERT-Base, Chinese", "chinese_L-12_H-768_A-12")])
def test_googles_checkpoints_are_fetched_by_name_and_title(server, run, tmp_path, name, folder):
    server.body = zipped(GOOGLE, folder=folder + "/")
    code, out, _ = run("--model", name)
    assert code == 0
    assert out.startswith(str(tmp_path / "tmp" / folder))
    assert server.paths == ["/file.zip?{}/{}".format(published()[folder].day, folder)]
    assert files_of(tmp_path / "tmp" / folder) == GOOGLE


@pytest.mark.parametrize("name, folder, address", [
    ("uncased_L-2_H-128_A-2", "uncased_L-2_H-128_A-2", "2020_02_20/uncased_L-2_H-128_A-2"),
    ("bert-small", "uncased_L-4_H-512_A-8", "2020_02_20/uncased_L-4_H-512_A-8"),
    ("uncased_L-12_H-768_A-12_2020", "uncased_L-12_H-768_A-12_2020",
     "2020_02_20/uncased_L-12_H-768_A-12")])
def test_a_miniature_has_no_folder_in_its_archive_and_no_graph(server, run, tmp_path, name, folder,
                                                               address):
    server.body = zipped(MINIATURE)
    assert run("--model", name)[0] == 0
    assert server.paths == ["/file.zip?" + address]
    assert files_of(tmp_path / "tmp" / folder) == MINIATURE


def test_the_addresses_are_googles():
    urls = {each.url for each in published().values()}
    assert len(urls) == len(published()) == 9 + 24
    for url in ("2018_10_18/uncased_L-24_H-1024_A-16", "2018_10_18/cased_L-24_H-1024_A-16",
                "2018_11_03/multilingual_L-12_H-768_A-12", "2018_11_03/chinese_L-12_H-768_A-12",
                "2018_11_23/multi_cased_L-12_H-768_A-12", "2019_05_30/wwm_uncased_L-24_H-1024_A-16",
                "2020_02_20/uncased_L-10_H-768_A-12", "2020_02_20/uncased_L-12_H-768_A-12"):
        assert "https://storage.googleapis.com/bert_models/{}.zip".format(url) in urls


def test_sizes_are_those_of_the_files_that_google_published():
    assert published()["uncased_L-12_H-768_A-12"].n_bytes == 440425712
    assert published()["uncased_L-2_H-128_A-2"].n_bytes == pytest.approx(17319 << 10, rel=1e-4)


def test_all_are_listed_with_their_sizes():
    told = subprocess.run([sys.executable, "download.py", "--list"], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, universal_newlines=True).stdout
    rows = {line.split()[0]: line for line in told.splitlines() if line.startswith("  ")}
    assert set(rows) == {"minilm", *published()}
    assert " 1.3 GB " in rows["wwm_uncased_L-24_H-1024_A-16"]
    assert " 18 MB " in rows["uncased_L-2_H-128_A-2"]
    assert all(group.advice in told for group in GROUPS)
    assert max(map(len, told.splitlines())) <= 100


@pytest.mark.parametrize("name, near", [
    ("wwn", "wwm_uncased_L-24_H-1024_A-16"), ("mini-lm", "all-MiniLM-L6-v2"),
    ("uncased_L-12_H-768", "uncased_L-12_H-768_A-12"), ("bert-base", "uncased_L-12_H-768_A-12"),
    ("multi_cased_L-12_H-786_A-12", "multi_cased_L-12_H-768_A-12"),
    ("google-bert/bert-base-chinese", "chinese_L-12_H-768_A-12")])
def test_a_wrong_name_gives_near_ones(run, name, near):
    code, _, error = run("--model", name)
    assert code == 1
    assert near in error
    assert "download.py --list" in error
    assert near in near_names(name)


def test_a_name_like_none_gives_the_list(run):
    code, _, error = run("--model", "no/such/path")
    assert code == 1
    assert "no file or folder no/such/path" in error
    assert "near names" not in error


def test_a_path_that_exists_counts_before_a_name(server, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "uncased_L-12_H-768_A-12"
    folder.mkdir()
    for name, content in GOOGLE.items():
        (folder / name).write_bytes(content)
    assert run("--model", folder.name)[0] == 0
    assert server.paths == []
    assert files_of(tmp_path / "tmp" / folder.name) == GOOGLE


def test_names_are_distinct():
    assert len(by_alias()) == 4 + 33 + len([1 for each in published().values() if each.title])
