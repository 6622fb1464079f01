#!/bin/sh
# Prints the path of a CPython that runs and can make environments, of one of the versions given in
# the order of preference: 3.7 for TensorFlow 1.15, which has no build for a newer one, or 3.11, 3.10
# and 3.9 for TensorFlow 2.15.
# Order: $PYTHON37 (or $PYTHON311 and so on), an active conda environment, and then for each version
# python3.7 on PATH, pyenv, one that was fetched before; last, one of the first version that is
# fetched with a pinned uv, which is installed into .uv/ by its hash.

[ $# -gt 0 ] || set -- 3.7
case $1 in
    3.7) tensorflow=1.15 environment=environment.yml ;;
    *) tensorflow=2.15 environment=environment-tf2.yml ;;
esac

project=$(cd "${0%/*}/.." && pwd)
uv_folder=${UV_FOLDER:-$project/.uv}

# Prints the path of the program given, and ends, if it is a CPython of the version given first.
take() {
    # A pyenv shim can be on PATH and refuse to run, so the interpreter is asked, not its name.
    # Debian's lacks ensurepip until python3-venv is installed.
    if [ -n "$2" ] && "$2" -c 'import sys, platform, venv, ensurepip
sys.exit(platform.python_version_tuple()[:2] != tuple(sys.argv[1].split("."))
         or platform.python_implementation() != "CPython")' "$1" 2>/dev/null; then
        "$2" -c 'import sys; print(sys.executable)'
        exit 0
    fi
}

take_fetched() {
    for python in "$uv_folder"/python/cpython-"$1".*/bin/"python$1"; do
        take "$1" "$python"
    done
}

wanted=$1
variables=
for version in "$@"; do
    variable=PYTHON${version%.*}${version#*.}
    eval "given=\$$variable"
    if [ -n "$given" ]; then
        take "$version" "$given"
        echo "make: $variable=$given is no CPython $version that runs; unset it or point it at one" >&2
        exit 1
    fi
    variables="$variables$variable, "
    [ "$version" = "$1" ] || wanted="$wanted or $version"
done
for version in "$@"; do
    [ -n "$CONDA_PREFIX" ] && take "$version" "$CONDA_PREFIX/bin/python"
done
# PYENV_ROOT is often unset where pyenv is only on PATH: then its folder is above the program's.
pyenv_program=$(command -v pyenv)
for version in "$@"; do
    take "$version" "$(command -v "python$version")"
    for root in "$PYENV_ROOT" "$HOME/.pyenv" "${pyenv_program%/*/*}"; do
        [ -n "$root" ] || continue
        for python in "$root"/versions/"$version".*/bin/python; do
            take "$version" "$python"
        done
    done
    take_fetched "$version"
done

# Fetch one. uv on PATH is not asked: since 0.7 it knows no CPython 3.7.
can_make_environments() {
    [ -n "$1" ] && "$1" -c 'import sys, venv, ensurepip
sys.exit(sys.version_info < (3, 7))' 2>/dev/null
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
        tried="no Python 3.7 or newer with venv is there to install uv with (Debian: apt-get install python3-venv)"
        return 1
    fi
    echo "make: no CPython $wanted found: fetching $1 with uv into ${uv_folder#"$project"/}/" >&2
    # uv's wheel asks for Python 3.8; the program in it needs none.
    if ! { "$host" -m venv --clear "$uv_folder/environment" && "$uv_folder/environment/bin/python" -m \
        pip install --quiet --disable-pip-version-check --require-hashes --ignore-requires-python \
        -r "$project/requirements-uv.txt"; } >&2; then
        tried="uv could not be installed with pip"
        return 1
    fi
    if ! UV_PYTHON_INSTALL_DIR="$uv_folder/python" \
        "$uv_folder/environment/bin/uv" python install --no-config "$1" >&2; then
        tried="uv could not fetch CPython $1 from its release page"
        return 1
    fi
    take_fetched "$1"
    tried="the CPython $1 that uv fetched does not run here"
    return 1
}

fetch "$1"
echo "make: TensorFlow $tensorflow needs CPython $wanted. None was found (looked at ${variables}conda, PATH, pyenv), and $tried. Ways left: (1) conda env create -f $environment and activate it; (2) pyenv install $1; (3) ${variables%%,*}=/path/to/python$1 make; on Windows, one of these within WSL (nothing was tried on Windows itself)" >&2
exit 1
