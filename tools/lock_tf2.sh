#!/bin/sh
# Writes requirements-tf2-PLATFORM.txt and requirements-tf2-dev-PLATFORM.txt from requirements-tf2*.in,
# for CPython 3.11 on each platform. Takes the path of uv, which locks for platforms other than its own.
set -eu
cd "${0%/*}/.."
uv=$1

lock() {
    platform=$1
    shift
    "$uv" pip compile --quiet --no-header --generate-hashes --no-emit-index-url \
        --python-version 3.11 --python-platform "$platform" "$@"
}

for target in linux-x86_64:x86_64-manylinux_2_28 linux-arm64:aarch64-manylinux_2_28 \
        macos-arm64:aarch64-apple-darwin; do
    name=${target%%:*}
    lock "${target#*:}" -o "requirements-tf2-$name.txt" requirements-tf2.in
    lock "${target#*:}" -c "requirements-tf2-$name.txt" -o "requirements-tf2-dev-$name.txt" \
        requirements-tf2-dev.in
done
lock x86_64-manylinux_2_28 -c requirements-tf2-linux-x86_64.txt \
    -o requirements-tf2-linux-cuda.txt requirements-tf2-cuda.in
