"""Memory that threads have freed: one pool for all of a server's threads."""

import platform
import subprocess
import sys

import pytest

from tests.conftest import ROOT

_SCRIPT = """
import ctypes, sys, threading
from serving.memory import share_freed_memory

if sys.argv[1] == "shared":
    assert share_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
wait = threading.Barrier(5)

def take():
    libc.malloc(ctypes.c_size_t(1000))
    wait.wait()

for _ in range(4):
    threading.Thread(target=take).start()
wait.wait()
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has several pools")
def test_threads_take_memory_from_one_pool(tmp_path):
    n_pools = {}
    for how in ("shared", "apart"):
        path = tmp_path / how
        subprocess.run([sys.executable, "-c", _SCRIPT, how, str(path)], check=True, cwd=ROOT)
        n_pools[how] = path.read_text().count("<heap nr=")
    assert n_pools["shared"] == 1 < n_pools["apart"]
