"""Shared parts of the programs: flags, one-line errors, exit codes, signals."""

import argparse
import contextlib
import errno
import io
import os
import re
import signal
import sys
from typing import Any, Callable, Iterator, List, NoReturn, Optional, Sequence, Tuple, Type

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # errors of a disk or quota that is full
# Written at the first signal; bytes, because a signal handler may only call os.write.
_BAR_DELAY = 2.0  # seconds that work may take before a bar is shown
_STOPPING = b"\nstopping after the running batch (once more stops at once)\n"


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """A formatter that shows the defaults that say something, and is the same in all Pythons."""

    def _get_help_string(self, action: argparse.Action) -> Optional[str]:
        if action.default in (None, False, ()) or "default:" in (action.help or ""):
            return action.help
        return super()._get_help_string(action)

    def _format_args(self, action: argparse.Action, default_metavar: str) -> str:
        if action.nargs == argparse.ZERO_OR_MORE:
            return "[{} ...]".format(action.metavar or default_metavar)
        return super()._format_args(action, default_metavar)


class Flags(argparse.ArgumentParser):
    """A parser of flags that are written out in full; a wrong one is one line and exit code 2."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Help, **options)
        self._optionals.title = "flags"  # argparse's own title differs between Pythons

    def parse_args(self, args: Optional[Sequence[str]] = None,  # type: ignore[override]
                   namespace: Optional[argparse.Namespace] = None) -> argparse.Namespace:
        """Parse flags as argparse does, but take the -1,-2 of `--layers -1,-2` for a value."""
        joined: List[str] = []
        for arg in sys.argv[1:] if args is None else args:
            if re.fullmatch(r"-\d[\d,-]*", arg) and joined and joined[-1].startswith("--"):
                joined[-1] += "=" + arg
            else:
                joined.append(arg)
        return super().parse_args(joined, namespace)

    def error(self, message: str) -> NoReturn:
        """Print what is wrong with the flags in one line and exit with code 2."""
        self.exit(2, "{}: error: {} (--help lists the flags)\n".format(self.prog, message))


def whole_number(at_least: int, at_most: int = sys.maxsize) -> Callable[[str], int]:
    """Return the type of a flag that is a whole number within bounds."""

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError("{!r} is not a whole number".format(text))
        if not at_least <= number <= at_most:
            upper = "" if at_most == sys.maxsize else " to {}".format(at_most)
            raise argparse.ArgumentTypeError(
                "{} is out of range, from {}{}".format(number, at_least, upper))
        return number

    return convert


def layers(text: str) -> List[int]:
    """Convert the text of a flag to hidden layers, -1 being the last.

    >>> layers("-1,-2")
    [-1, -2]
    """
    try:
        return [int(layer) for layer in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError("{!r} is not a list like -1,-2,-3,-4".format(text))


def share(text: str) -> float:
    """Convert the text of a flag to a number from 0 to 1."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("{} is out of range, from 0 to 1".format(text))
    return number


def positive_number(text: str) -> float:
    """Convert the text of a flag to a number above 0."""
    number = _number(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("{} is out of range, above 0".format(text))
    return number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError("{!r} is not a number".format(text))


def note(message: str) -> None:
    """Print to stderr; ignore a closed stream."""
    stream = BarStream()
    # In one write, unlike print: the lines of several processes must not mix.
    stream.write(message + "\n")
    stream.flush()


class BarStream:
    """stderr for notes and bars, which go on where nobody reads it any more.

    tqdm keeps its lock where a write fails, and waits for it for ever when the bar is closed: so
    what `program 2>&1 | head` cannot write is dropped here.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)

    def write(self, text: str) -> None:
        """Write `text` if that is possible."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Write what waits in the buffer if that is possible."""
        with contextlib.suppress(OSError):
            sys.stderr.flush()


@contextlib.contextmanager
def progress_bar(what: str, n: int) -> Iterator[Callable[[int], Any]]:
    """Show a bar of `n` steps with rate and time left on stderr, if the work takes a while.

    Yields the function that advances it.
    """
    # Imported late for start-up time: only long work needs it.
    from tqdm import tqdm

    with tqdm(total=n, desc=what, file=BarStream(), delay=_BAR_DELAY, leave=False) as bar:
        yield bar.update


@contextlib.contextmanager
def stop_signals() -> Iterator[List[int]]:
    """Collect Ctrl-C, SIGTERM and SIGHUP while the block runs, which then stops where it is safe.

    Raising at once would interrupt TensorFlow's C code, which then fails with errors of its own.
    A second signal of the same kind ends the program immediately. A signal that was ignored when
    the program started (`nohup`) stays ignored.
    """
    caught: List[int] = []

    def on_signal(number: int, _: Any) -> None:
        caught.append(number)
        signal.signal(number, signal.SIG_DFL)
        # Not by sys.stderr: the signal may have come in the middle of a write to it.
        with contextlib.suppress(OSError):
            os.write(2, _STOPPING)

    before = {number: signal.getsignal(number)
              for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, on_signal)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(program: Callable[[], int], errors: Tuple[Type[Exception], ...]) -> NoReturn:
    """Run `program` and exit with its code; print one line for an expected error.

    Parameters
    ----------
    program : callable
        Returns the exit code.
    errors : tuple of exception types
        Expected errors; their attribute `exit_code`, or 1, is the exit code.

    Exit codes: 0 done, 1 failed, 2 wrong usage or nothing found, 130 interrupted.
    """
    name = os.path.basename(sys.argv[0])
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by the caller (`>&-`)
            setattr(sys, stream, open(os.devnull, "w"))  # noqa: SIM115 (stays open)
    if isinstance(sys.stdout, io.TextIOWrapper):  # show "?" for letters that the terminal lacks
        sys.stdout.reconfigure(errors="replace")
    try:
        code = program()
        sys.stdout.flush()
    except errors as error:
        note("{}: error: {}".format(name, error))
        code = getattr(error, "exit_code", 1)
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has closed it.
        _flush_or_drop()
        code = 0
    except OSError as error:
        told = "{}: {}".format(error.filename or "input or output", error.strerror or error)
        if error.errno in _NO_ROOM:
            told += ": make room and run the same command again"
        note("{}: error: {}".format(name, " ".join(told.split())))
        _flush_or_drop()
        code = 1
    except KeyboardInterrupt:
        note("{}: interrupted".format(name))
        code = 130
    sys.exit(code)


def _flush_or_drop() -> None:
    """Write what stdout still buffers, or drop it: Python would print an error at its exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
