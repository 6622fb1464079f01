#!/bin/sh
# Prints the path of a CPython 3.7 that runs; TensorFlow 1.15 has no build for a newer one.
# Order: $PYTHON37, an active conda environment, python3.7 on PATH, pyenv, uv.

is_37() {
    # A pyenv shim can be on PATH and refuse to run, so the interpreter is asked, not its name.
    [ -n "$1" ] && "$1" -c 'import sys, platform
sys.exit(sys.version_info[:2] != (3, 7) or platform.python_implementation() != "CPython")' 2>/dev/null
}

take() {
    if is_37 "$1"; then
        "$1" -c 'import sys; print(sys.executable)'
        exit 0
    fi
}

if [ -n "$PYTHON37" ]; then
    take "$PYTHON37"
    echo "make: PYTHON37=$PYTHON37 is no CPython 3.7 that runs; unset it or point it at one" >&2
    exit 1
fi
[ -n "$CONDA_PREFIX" ] && take "$CONDA_PREFIX/bin/python"
take "$(command -v python3.7)"
# PYENV_ROOT is often unset where pyenv is only on PATH: then its folder is above the program's.
pyenv_program=$(command -v pyenv)
for root in "$PYENV_ROOT" "$HOME/.pyenv" "${pyenv_program%/*/*}"; do
    [ -n "$root" ] || continue
    for python in "$root"/versions/3.7.*/bin/python; do
        take "$python"
    done
done
if command -v uv >/dev/null 2>&1; then
    uv python install 3.7 >&2 && take "$(uv python find 3.7 2>/dev/null)"
fi
echo "make: no CPython 3.7 found, and TensorFlow 1.15 needs it: (1) conda env create -f environment.yml and activate it, (2) pyenv install 3.7, or (3) install uv, which fetches one; or set PYTHON37=/path/to/python3.7" >&2
exit 1
