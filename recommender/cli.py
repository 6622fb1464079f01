"""What the five programs share: flags, one-line errors, exit codes."""

import argparse
import contextlib
import errno
import os
import re
import signal
import sys
from typing import Any, Callable, Iterator, List, NoReturn, Optional, Sequence, Tuple, Type

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_STOPPING = b"\nstopping after the running batch (once more stops at once)\n"


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows a default where there is one that says something."""

    def _get_help_string(self, action: argparse.Action) -> str:
        if action.default in (None, False, ()) or "default:" in action.help:
            return action.help
        return super()._get_help_string(action)


class Flags(argparse.ArgumentParser):
    """Flags that are written out in full; a wrong one is one line and exit code 2."""

    def __init__(self, **options) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Help, **options)

    def parse_args(self, args: Optional[Sequence[str]] = None, namespace=None):
        """As argparse, which however takes the -1,-2 of `--layers -1,-2` for a flag."""
        joined = []
        for arg in sys.argv[1:] if args is None else args:
            if re.fullmatch(r"-\d[\d,-]*", arg) and joined and joined[-1].startswith("--"):
                joined[-1] += "=" + arg
            else:
                joined.append(arg)
        return super().parse_args(joined, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(2, "{}: error: {} (--help lists the flags)\n".format(self.prog, message))


def whole_number(at_least: int, at_most: int = sys.maxsize) -> Callable[[str], int]:
    """A flag's type: a whole number within bounds."""

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
    """A flag's type: hidden layers such as -1,-2,-3,-4, -1 being the last."""
    try:
        return [int(layer) for layer in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError("{!r} is not a list like -1,-2,-3,-4".format(text))


def share(text: str) -> float:
    """A flag's type: a number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError("{!r} is not a number".format(text))
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError("{} is out of range, from 0 to 1".format(text))
    return number


def note(message: str) -> None:
    """Tell the user something that is not the result; work goes on though nobody listens."""
    with contextlib.suppress(OSError):
        # As one piece, which print would not: what several processes tell must not run together.
        sys.stderr.write(message + "\n")
        sys.stderr.flush()


@contextlib.contextmanager
def stop_signals() -> Iterator[List[int]]:
    """Collects Ctrl-C, SIGTERM and SIGHUP while the block runs, for it to stop where it is safe.

    Raising at once would break into TensorFlow's C code, which answers with errors of its own.
    A second signal of the same kind ends the program on the spot. A signal that the caller has
    made the program ignore (`nohup`) stays ignored.
    """
    caught = []  # type: List[int]

    def on_signal(number: int, _: Any) -> None:
        caught.append(number)
        signal.signal(number, signal.SIG_DFL)
        with contextlib.suppress(OSError):  # sys.stderr may be just being written to
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
    """Run `program` and exit with its code, or with one line for an error that was foreseen.

    Exit codes: 0 done, 1 failed, 2 wrong usage or nothing found, 130 interrupted.
    """
    name = os.path.basename(sys.argv[0])
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by the caller (`>&-`)
            setattr(sys, stream, open(os.devnull, "w"))  # noqa: SIM115 (stays open)
    # A letter that the terminal cannot show is no reason to fail.
    sys.stdout.reconfigure(errors="replace")
    try:
        code = program()
        sys.stdout.flush()
    except errors as error:
        note("{}: error: {}".format(name, error))
        code = getattr(error, "exit_code", 1)
    except BrokenPipeError:
        # The reader (`| head`) has gone.
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
    """Write what stdout still holds, or drop it: Python would complain again at its exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
