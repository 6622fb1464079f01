#!/bin/sh
# Prints the path of a CPython that runs, of the version given: 3.7 for TensorFlow 1.15, which has no
# build for a newer one, or 3.11 for TensorFlow 2.15.
# Order: $PYTHON37 (or $PYTHON311), an active conda environment, python3.7 on PATH, pyenv, one that
# was fetched before, and last one that is fetched with a pinned uv, which is installed into .uv/ by
# its hash.

version=${1:-3.7}
variable=PYTHON${version%.*}${version#*.}
eval "given=\$$variable"
case $version in
    3.7) tensorflow=1.15 environment=environment.yml ;;
    *) tensorflow=2.15 environment=environment-tf2.yml ;;
esac

project=$(cd "${0%/*}/.." && pwd)
uv_folder=${UV_FOLDER:-$project/.uv}

is_right() {
    # A pyenv shim can be on PATH and refuse to run, so the interpreter is asked, not its name.
    [ -n "$1" ] && "$1" -c 'import sys, platform
sys.exit(platform.python_version_tuple()[:2] != tuple(sys.argv[1].split("."))
         or platform.python_implementation() != "CPython")' "$version" 2>/dev/null
}

take() {
    if is_right "$1"; then
        "$1" -c 'import sys; print(sys.executable)'
        exit 0
    fi
}

if [ -n "$given" ]; then
    take "$given"
    echo "make: $variable=$given is no CPython $version that runs; unset it or point it at one" >&2
    exit 1
fi
[ -n "$CONDA_PREFIX" ] && take "$CONDA_PREFIX/bin/python"
take "$(command -v "python$version")"
# PYENV_ROOT is often unset where pyenv is only on PATH: then its folder is above the program's.
pyenv_program=$(command -v pyenv)
for root in "$PYENV_ROOT" "$HOME/.pyenv" "${pyenv_program%/*/*}"; do
    [ -n "$root" ] || continue
    for python in "$root"/versions/"$version".*/bin/python; do
        take "$python"
    done
done
for python in "$uv_folder"/python/cpython-"$version".*/bin/"python$version"; do
    take "$python"
done

# Fetch one. uv on PATH is not asked: since 0.7 it knows no CPython 3.7.
can_make_environments() {
    [ -n "$1" ] && "$1" -c 'import sys, venv, ensurepip
sys.exit(sys.version_info < (3, 8))' 2>/dev/null
}

fetch() {
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
    echo "make: no CPython $version found: fetching one with uv into ${uv_folder#"$project"/}/" >&2
    if ! { "$host" -m venv --clear "$uv_folder/environment" && "$uv_folder/environment/bin/python" -m \
        pip install --quiet --disable-pip-version-check --require-hashes \
        -r "$project/requirements-uv.txt"; } >&2; then
        tried="uv could not be installed with pip"
        return 1
    fi
    if ! UV_PYTHON_INSTALL_DIR="$uv_folder/python" \
        "$uv_folder/environment/bin/uv" python install --no-config "$version" >&2; then
        tried="uv could not fetch CPython $version from its release page"
        return 1
    fi
    for python in "$uv_folder"/python/cpython-"$version".*/bin/"python$version"; do
        take "$python"
    done
    tried="the CPython $version that uv fetched does not run here"
    return 1
}

fetch
echo "make: TensorFlow $tensorflow needs CPython $version. None was found (looked at $variable, conda, PATH, pyenv), and $tried. Ways left: (1) conda env create -f $environment and activate it; (2) pyenv install $version; (3) $variable=/path/to/python$version make; on Windows, one of these within WSL (nothing was tried on Windows itself)" >&2
exit 1
