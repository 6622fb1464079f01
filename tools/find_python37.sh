#!/bin/sh
# Prints the path of a CPython 3.7 that runs; TensorFlow 1.15 has no build for a newer one.
# Order: $PYTHON37, an active conda environment, python3.7 on PATH, pyenv, one that was fetched
# before, and last one that is fetched with a pinned uv, which is installed into .uv/ by its hash.

project=$(cd "${0%/*}/.." && pwd)
uv_folder=${UV_FOLDER:-$project/.uv}

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
for python in "$uv_folder"/python/cpython-3.7.*/bin/python3.7; do
    take "$python"
done

# Fetch one. uv on PATH is not asked: since 0.7 it knows no CPython 3.7.
can_make_environments() {
    [ -n "$1" ] && "$1" -c 'import sys, venv, ensurepip
sys.exit(sys.version_info < (3, 8))' 2>/dev/null
}

fetch_37() {
    host=
    for name in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8; do
        if can_make_environments "$(command -v $name)"; then
            host=$(command -v $name)
            break
        fi
    done
    if [ -z "$host" ]; then
        tried="no Python 3.8 or newer with venv is there to install uv with (Debian: apt-get install python3-venv)"
        return 1
    fi
    echo "make: no CPython 3.7 found: fetching one with uv into ${uv_folder#"$project"/}/" >&2
    if ! { "$host" -m venv --clear "$uv_folder/environment" && "$uv_folder/environment/bin/python" -m \
        pip install --quiet --disable-pip-version-check --require-hashes \
        -r "$project/requirements-uv.txt"; } >&2; then
        tried="uv could not be installed with pip"
        return 1
    fi
    if ! UV_PYTHON_INSTALL_DIR="$uv_folder/python" \
        "$uv_folder/environment/bin/uv" python install --no-config 3.7 >&2; then
        tried="uv could not fetch CPython 3.7 from its release page"
        return 1
    fi
    for python in "$uv_folder"/python/cpython-3.7.*/bin/python3.7; do
        take "$python"
    done
    tried="the CPython 3.7 that uv fetched does not run here"
    return 1
}

fetch_37
echo "make: TensorFlow 1.15 needs CPython 3.7. None was found (looked at PYTHON37, conda, PATH, pyenv), and $tried. Ways left: (1) conda env create -f environment.yml and activate it; (2) pyenv install 3.7; (3) PYTHON37=/path/to/python3.7 make; on Windows, one of these within WSL (nothing was tried on Windows itself)" >&2
exit 1
