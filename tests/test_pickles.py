"""A pickle gives its arrays, strings and numbers, and runs nothing."""

import os
import pickle

import numpy as np
import pytest

from recommender.errors import RecommenderError
from recommender.storage import pickles
from recommender.storage.pickles import load_embeddings

PROTOCOLS = range(5)
ARRAYS = {
    "Amélie": np.arange(6, dtype=np.float32).reshape(2, 3), "turned": np.eye(3)[:, :2].T,
    "half": np.ones(2, np.float16), "big-endian": np.arange(3, dtype=">i4"),
    "yes and no": np.array([True, False]), "empty": np.zeros((0, 4)), 603: np.uint8([1, 255])}
VALUES = {"numbers": [1, -2 ** 70, 0.5, True, None], "text": "千 \ud83d", "pair": ("a", b"\xff\n"),
          "deep": {"er": {"est": [[()]]}}, "number": np.float32(0.1), "": b""}


class Calls:
    """Pickled, it is a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def write(tmp_path, content):
    path = tmp_path / "emb.pickle"
    path.write_bytes(content)
    return str(path)


def refusal(tmp_path, content):
    path = write(tmp_path, content)
    with pytest.raises(RecommenderError) as caught:
        load_embeddings(path)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_come_back_as_they_were_in_every_protocol(tmp_path, protocol):
    loaded = load_embeddings(write(tmp_path, pickle.dumps(ARRAYS, protocol)))
    assert list(loaded) == list(ARRAYS)
    for key, array in ARRAYS.items():
        assert type(loaded[key]) is np.ndarray
        assert loaded[key].dtype == array.dtype
        np.testing.assert_array_equal(loaded[key], array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_strings_numbers_and_containers_come_back(tmp_path, protocol):
    assert load_embeddings(write(tmp_path, pickle.dumps(VALUES, protocol))) == VALUES


def test_a_list_that_occurs_often_stays_one(tmp_path):
    shared = [np.zeros(3)]
    loaded = load_embeddings(write(tmp_path, pickle.dumps({"a": shared, "b": [shared, shared]})))
    assert loaded["a"] is loaded["b"][0] is loaded["b"][1]


def test_pickles_of_newer_numpy_are_read(tmp_path):
    content = pickle.dumps({"a": np.arange(3.0), "b": np.float64(2)}, 0)
    assert b"numpy.core.multiarray" in content
    newer = content.replace(b"numpy.core.multiarray", b"numpy._core.multiarray")
    loaded = load_embeddings(write(tmp_path, newer))
    assert loaded["a"].tolist() == [0, 1, 2]
    assert loaded["b"] == 2


def test_pickles_of_python_2_are_read(tmp_path):
    # {"a": array([1, 2], float32)} as Python 2.7 wrote it: bytes are strings there.
    data = np.array([1, 2], "<f4").tobytes()
    content = (b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
               b"U\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNN"
               b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08" + data + b"tbs.")
    assert load_embeddings(write(tmp_path, content))["a"].tolist() == [1, 2]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("call, name", [
    ((os.system, "touch {}"), "system"), ((eval, "open('{}', 'w')"), "eval"),
    ((exec, "open('{}', 'w')"), "exec"), ((open, "{}", "w"), "io.open"),
    ((getattr, os, "system"), "getattr"), ((__import__, "antigravity"), "__import__"),
    ((np.fromfile, "{}"), "fromfile"), ((np.load, "{}"), "load")])
def test_no_function_that_a_pickle_names_is_called(tmp_path, protocol, call, name):
    function, *arguments = call
    made = tmp_path / "made"
    arguments = [argument.format(made) if isinstance(argument, str) else "os"
                 for argument in arguments]
    for content in ({"a": Calls(function, *arguments)}, Calls(function, *arguments),
                    {"a": np.array([Calls(function, *arguments)], object)},
                    {"a": [np.ones(2), (Calls(function, *arguments),)]}):
        assert "is not read" in refusal(tmp_path, pickle.dumps(content, protocol))
        assert not made.exists()
    assert name in refusal(tmp_path, pickle.dumps({"a": Calls(function, *arguments)}, protocol))


@pytest.mark.parametrize("value, what", [
    (np.array([None]), "'O8'"), (np.array(["text"]), "'U4'"), (np.zeros(2, "c8"), "'c8'"),
    (np.zeros(2, "f4,i4"), "'V8'"), (np.zeros(2, "M8[s]"), "'M8'"), ({1, 2}, ""),
    (frozenset([1]), ""), (bytearray(b"x"), "bytearray"), (complex(1), "complex"),
    (RecommenderError("x"), "RecommenderError"), (np.ndarray, "it holds <class"),
    ({(1, 2): 3}, "a key is neither")])
def test_what_is_neither_array_nor_text_nor_number_is_refused(tmp_path, value, what):
    for protocol in PROTOCOLS:
        message = refusal(tmp_path, pickle.dumps({"a": value}, protocol))
        assert what in message
        assert "is not read" in message


@pytest.mark.parametrize("value", [[1], np.ones(3), "text", None])
def test_a_pickle_that_holds_no_dict_is_refused(tmp_path, value):
    assert "holds no dict" in refusal(tmp_path, pickle.dumps(value))


def test_what_is_no_pickle_is_refused(tmp_path):
    whole = pickle.dumps(ARRAYS)
    draw = np.random.RandomState(0)
    for content in [b"", b"\n", b"id,title\n1,One\n", b"\x80\x05}.", b"PK\x03\x04" + bytes(99),
                    *(whole[:-n] for n in range(1, len(whole), 7)),
                    *(draw.bytes(300) for _ in range(300))]:
        refusal(tmp_path, content)


def test_a_byte_changed_anywhere_is_another_dict_or_refused(tmp_path):
    whole = bytearray(pickle.dumps({**ARRAYS, **VALUES}))
    draw = np.random.RandomState(0)
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= draw.randint(1, 256)
        try:
            assert isinstance(load_embeddings(write(tmp_path, bytes(changed))), dict)
        except RecommenderError as error:
            assert "\n" not in str(error)


def test_protocol_5_is_refused_with_what_to_do(tmp_path):
    assert "protocol=4" in refusal(tmp_path, b"\x80\x05}.")


@pytest.mark.parametrize("content", [
    b"\x80\x04}" + b")" + b"\x85" * 10 ** 6 + b"K\x01s.",      # a key nested a million deep
    b"\x80\x04" + b"]" * 10 ** 6 + b"a" * (10 ** 6 - 1) + b".",  # a list nested a million deep
    b"\x80\x04}\x8c\x01a]\x94h\x00as.",                        # a list that holds itself
    b"\x80\x04r\xff\xff\xff\xff",                              # 4 billion places for memories
    b"\x80\x04\x8e" + b"\xff" * 7 + b"\x00",                   # 10^16 bytes, it says
    b"\x80\x04\x95" + b"\xff" * 7 + b"\x00",                   # a frame of as many
    b"}S'a'\nI" + b"9" * 10 ** 6 + b"\ns.",                    # a number of a million digits
    b"}S'a'\nL" + b"9" * 10 ** 6 + b"L\ns.",
    b"}S'a'\nc__builtin__\nbytes\n(I1000000000000\ntRs.",      # bytes(10 ** 12)
    b"}S'a'\ncnumpy\nndarray\n(I1000000000000\ntRS'x'\nbs.",   # an array's state that is none
    b"}cnumpy\ndtype\n(S'f4'\ntR}S'dtype'\nI1\nsbs.",
    b"cnumpy\nndarray\n}S'set_state'\nI1\nsb."],               # an attribute of the machine
    ids=lambda content: str(content[:12]))
def test_crafted_pickles_are_refused_and_the_process_lives_on(tmp_path, content):
    refusal(tmp_path, content)


def test_containers_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "MAX_CONTAINERS", 10)
    assert load_embeddings(write(tmp_path, b"\x80\x04}\x8c\x01a" + b"]0" * 9 + b"Ns."))
    for container in (b"]", b"}", b"(", b"N\x85", b"NN\x86", b"NNN\x87"):
        assert "more than 10 lists" in refusal(tmp_path, b"\x80\x04" + container * 11 + b".")


def test_bytes_are_made_no_more_often_than_the_file_has_them(tmp_path):
    text = b"V" + b"x" * 1000 + b"\np0\n0"
    again = b"c_codecs\nencode\n(g0\nVlatin1\ntR0"
    assert load_embeddings(write(tmp_path, text + again + b"}.")) == {}
    assert "more bytes" in refusal(tmp_path, text + again * 100 + b"}.")


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(pickles, "MAX_BYTES", 100)
    assert "larger than 100 bytes" in refusal(tmp_path, pickle.dumps(ARRAYS))


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_embeddings(str(tmp_path / "none"))
