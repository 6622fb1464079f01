#!/bin/sh
# Prints which TensorFlow make takes where TF is not given: 1 for 1.15, the reproduction's own, where
# it runs (x86-64, with a CPython 3.7 that is there or can be fetched), else 2 for 2.15, which is told.
cd "${0%/*}/.." || exit 1

take_1() {
    echo 1
    exit 0
}

machine=$(uname -s)-$(uname -m)
why="does not run on $machine"
if [ "${machine%-x86_64}" != "$machine" ]; then
    # A PYTHON37 that is wrong is told when the environment is made.
    if [ -e .venv/installed ] || [ -n "$PYTHON37" ]; then take_1; fi
    if sh tools/find_python.sh 3.7 >/dev/null 2>&1; then take_1; fi
    # Where there is no newer one either, what 1.15 needs is told when the environment is made.
    sh tools/find_python.sh 3.11 3.10 3.9 >/dev/null 2>&1 || take_1
    why="needs CPython 3.7, which is neither here nor can be fetched"
fi
echo "make: TensorFlow 1.15 $why: taking 2.15, as TF=2 does" >&2
echo 2
