"""Read embeddings from a pickle without running what the pickle asks for.

A pickle is a program, and Python's unpickler calls any function that it names. The unpickler here
knows only the instructions that make strings, numbers, lists, tuples and dicts; the functions
with which NumPy pickles arrays are replaced by ones that check their arguments. The memory used
is in proportion to the size of the file.
"""

import io
import pickle
import re
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from recommender.errors import RecommenderError

MAX_BYTES = 4 << 30  # of a pickle; embeddings of 45,000 films of 1,024 numbers take 0.2 GB
MAX_CONTAINERS = 5000000  # in a pickle: an empty dict takes 1 byte there and 240 in memory
_LAST_PROTOCOL = 4  # later ones keep arrays in bytes that can be changed, by other instructions
_MAX_DIGITS = 100  # of a number: the time to convert it grows with their square
_NUMERIC = re.compile("[<>|=]?(?:b1|[iu][1248]|f[248])")
# Instructions of Python's unpickler that are kept as they are.
_INSTRUCTIONS = (
    "MARK", "STOP", "POP", "POP_MARK", "DUP", "NONE", "NEWTRUE", "NEWFALSE", "FRAME",
    "FLOAT", "BINFLOAT", "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "STRING",
    "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "EMPTY_LIST", "LIST", "APPEND",
    "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_DICT", "PUT",
    "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET", "LONG_BINGET", "GLOBAL",
    "STACK_GLOBAL", "REDUCE")
# Instructions that make a container, or a mark on the stack.
_CONTAINERS = ("MARK", "EMPTY_LIST", "EMPTY_DICT", "TUPLE1", "TUPLE2", "TUPLE3")


class _Refused(Exception):
    """An error that names what a pickle holds that is not read."""


def load_embeddings(path: str) -> Dict[Any, Any]:
    """Return the dict in the pickle at `path`.

    Its keys are strings or numbers; its values NumPy arrays of numbers (read-only), strings,
    numbers, None, and dicts, lists and tuples of these. Reads protocols 0 to 4, of Python 2 and 3
    and any NumPy, and runs nothing that the pickle names.

    Raises
    ------
    OSError
        If the file cannot be read.
    RecommenderError
        If it is no pickle, or holds anything else.
    """
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    try:
        if len(content) > MAX_BYTES:
            raise _Refused("it is larger than {:,} bytes".format(MAX_BYTES))
        stream = io.BytesIO(content)
        loaded = _plain(_Machine(stream, len(content)).load(), {})
        if stream.read(1):
            raise _Refused("it goes on after its end")
        if not isinstance(loaded, dict):
            raise _Refused("it holds no dict but {}".format(type(loaded).__name__))
    except _Refused as refused:
        raise RecommenderError("{} is not read, {}: a dict of NumPy arrays is needed".format(
            path, refused))
    except Exception as error:  # a broken pickle can fail anywhere, in any way
        raise RecommenderError("{} is not a pickle that is read here ({}): a dict of NumPy arrays "
                               "is needed, pickled with protocol=4 or less".format(
                                   path, " ".join(str(error).split()) or type(error).__name__))
    return loaded


class _DType:
    """A replacement of numpy.dtype that accepts only numbers."""

    def __init__(self, code: str, *_: Any):
        if not isinstance(code, str) or not _NUMERIC.fullmatch(code):
            raise _Refused("an array of {!r} is none of numbers".format(code))
        self.dtype = np.dtype(code)

    def set_state(self, state: Tuple) -> None:
        """Set the byte order from (version, byte order, None, None, None, ...).

        Raises _Refused for fields and sub-arrays.
        """
        order, *inner = state[1:5]
        if order not in tuple("<>|=") or inner != [None] * 3:
            raise _Refused("an array has fields")
        self.dtype = self.dtype.newbyteorder(order)

    def array(self, shape: Tuple[int, ...], data: Any, order: str = "C") -> np.ndarray:
        """Return the array of that shape over the bytes `data`, all of which it must take."""
        if isinstance(data, str):  # bytes of Python 2
            data = data.encode("latin-1")
        n_values = 1
        for length in shape:
            n_values *= length
        if min((0, *shape)) < 0 or n_values * self.dtype.itemsize != len(data):
            raise _Refused("an array of shape {} has {} bytes".format(shape, len(data)))
        values = np.frombuffer(data, self.dtype) if data else np.empty(0, self.dtype)
        return values.reshape(shape, order=order)


class _Array:
    """A replacement of the empty array that NumPy's _reconstruct makes, filled by its state."""

    def __init__(self, *_: Any):
        self.value = None

    def set_state(self, state: Tuple) -> None:
        """Set the array from (version, shape, dtype, is in Fortran order, bytes)."""
        shape, dtype, is_fortran, data = state[-4:]
        if not isinstance(dtype, _DType):
            raise _Refused("an array has no type")
        self.value = dtype.array(shape, data, "F" if is_fortran else "C")


def _scalar(dtype: _DType, data: Any) -> Any:
    """Replace numpy.core.multiarray.scalar."""
    return dtype.array((), data)[()]


def _no_bytes() -> bytes:
    """Replace bytes, which would take as much memory as a number says."""
    return b""


class _Dispatch(dict):
    """Instructions by their bytes; raises _Refused for others."""

    def __missing__(self, byte: int) -> None:
        raise _Refused("{!r} is not an instruction that makes any of it".format(chr(byte)))


def _counted(instruction: Any) -> Any:
    """Return an instruction that makes a container and counts it."""
    def counted(machine: "_Machine") -> None:
        machine.count()
        instruction(machine)
    return counted


class _Machine(pickle._Unpickler):
    """Python's unpickler without most of its instructions."""

    stack: List[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], List[Any]]
    read: Callable[[int], bytes]
    readline: Callable[[], bytes]

    def __init__(self, stream: io.BytesIO, n_bytes: int):
        super().__init__(stream, encoding="latin-1")
        self._n_containers = 0
        self._left_to_encode = n_bytes
        self._functions = {("numpy", "ndarray"): _Array, ("numpy", "dtype"): _DType,
                           ("_codecs", "encode"): self._encode}
        for module in ("builtins", "__builtin__"):  # protocols before 3 write b"" as bytes()
            self._functions[module, "bytes"] = _no_bytes
        for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            self._functions[module, "_reconstruct"] = _Array
            self._functions[module, "scalar"] = _scalar

    def find_class(self, module: str, name: str) -> Any:
        """Return a replacement, never the real function of that name."""
        if (module, name) not in self._functions:
            raise _Refused("it asks for {}.{}".format(module, name))
        return self._functions[module, name]

    def _encode(self, text: str, encoding: str) -> bytes:
        """Replace _codecs.encode, with which protocols before 3 write bytes.

        A text may be encoded again and again, but to no more bytes than the file has.
        """
        self._left_to_encode -= len(text)
        if encoding != "latin1" or self._left_to_encode < 0:
            raise _Refused("it makes more bytes than it has")
        return text.encode("latin-1")

    def _protocol(self) -> None:
        protocol = self.read(1)[0]
        if protocol > _LAST_PROTOCOL:
            raise ValueError("unsupported pickle protocol: {}".format(protocol))

    def _build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], (_Array, _DType)):
            raise _Refused("it sets attributes")
        self.stack[-1].set_state(state)

    def _number(self) -> None:
        text = self.readline().strip()
        if len(text) > _MAX_DIGITS:
            raise _Refused("a number has {} digits".format(len(text)))
        self.append({b"00": False, b"01": True}.get(text) if text in (b"00", b"01")
                    else int(text.rstrip(b"L")))

    def _dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._put(items)

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._put([key, value])

    def _set_items(self) -> None:
        self._put(self.pop_mark())

    def _put(self, items: List) -> None:
        keys = items[::2]
        # Hashing deeply nested tuples would overflow the C stack.
        if not all(isinstance(key, (str, bytes, int, float, np.generic)) for key in keys):
            raise _Refused("a key is neither a string nor a number")
        if not isinstance(self.stack[-1], dict):
            raise _Refused("it sets items of what is no dict")
        self.stack[-1].update(zip(keys, items[1::2]))

    def count(self) -> None:
        """Count a container; raise _Refused if there are too many."""
        self._n_containers += 1
        if self._n_containers > MAX_CONTAINERS:
            raise _Refused("it has more than {:,} lists, tuples and dicts".format(MAX_CONTAINERS))

    dispatch = _Dispatch(
        (getattr(pickle, name)[0], pickle._Unpickler.dispatch[getattr(pickle, name)[0]])
        for name in _INSTRUCTIONS)
    dispatch.update({
        pickle.PROTO[0]: _protocol, pickle.BUILD[0]: _build, pickle.INT[0]: _number,
        pickle.LONG[0]: _number, pickle.DICT[0]: _dict, pickle.SETITEM[0]: _set_item,
        pickle.SETITEMS[0]: _set_items})
    for name in _CONTAINERS:
        dispatch[getattr(pickle, name)[0]] = _counted(dispatch[getattr(pickle, name)[0]])


def _plain(value: Any, seen: Dict[int, Any]) -> Any:
    """Return `value` with arrays in place of their replacements.

    `seen` maps the id of each container to its result, so that one that occurs often is
    converted once.
    """
    if isinstance(value, _Array):
        value = value.value
    if isinstance(value, (np.ndarray, np.generic, str, bytes, int, float, type(None))):
        return value
    if not isinstance(value, (dict, list, tuple)):
        raise _Refused("it holds {!r}".format(value))
    if id(value) not in seen:
        seen[id(value)] = None
        if isinstance(value, dict):
            plain = {key: _plain(item, seen) for key, item in value.items()}
        else:
            plain = type(value)(_plain(item, seen) for item in value)
        seen[id(value)] = plain
    if seen[id(value)] is None:
        raise _Refused("it holds a {} that holds itself".format(type(value).__name__))
    return seen[id(value)]
