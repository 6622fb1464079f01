#!/bin/sh
# Writes requirements-tf2-PLATFORM.txt and requirements-tf2-dev-PLATFORM.txt from requirements-tf2*.in:
# for each platform one lock that serves CPython 3.9 to 3.11, by markers where they need different
# versions. Takes the path of uv, which locks for platforms other than its own.
set -eu
cd "${0%/*}/.."
project=$PWD
uv=$(command -v "$1")
case $uv in /*) ;; *) uv=$project/$uv ;; esac
# uv reads which platform is meant from a pyproject.toml, where it runs.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp requirements-tf2*.in requirements-tf2*.txt "$folder"
cd "$folder"

# Extras stay, since pip before 23.3 takes `coverage[toml]` for another package than `coverage`.
lock() {
    "$uv" pip compile --quiet --no-header --generate-hashes --no-emit-index-url --no-strip-extras \
        --universal --python-version 3.9 "$@"
}

for target in "linux-x86_64:sys_platform == 'linux' and platform_machine == 'x86_64'" \
        "linux-arm64:sys_platform == 'linux' and platform_machine == 'aarch64'" \
        "macos-arm64:sys_platform == 'darwin' and platform_machine == 'arm64'"; do
    name=${target%%:*}
    printf '[tool.uv]\nenvironments = ["%s and python_version < '"'3.12'"'"]\n' "${target#*:}" \
        > pyproject.toml
    lock -o "requirements-tf2-$name.txt" requirements-tf2.in
    lock -c "requirements-tf2-$name.txt" -o "requirements-tf2-dev-$name.txt" requirements-tf2-dev.in
    if [ "$name" = linux-x86_64 ]; then
        lock -c requirements-tf2-linux-x86_64.txt -o requirements-tf2-linux-cuda.txt \
            requirements-tf2-cuda.in
    fi
done
cp requirements-tf2*.txt "$project"
