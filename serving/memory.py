"""Keep the memory that a server's threads have freed in one pool, from which all of them take."""

import ctypes

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h


def share_freed_memory() -> bool:
    """Let all threads of this process use one pool of freed memory; return whether they do.

    glibc gives each thread one of its own, so that after queries of many threads each keeps the
    blocks of some MB that a query takes for a while: for a million films over 100 MB. Other C
    libraries have no such setting. It is to be called before threads are started.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_ARENA_MAX, 1))
    except (AttributeError, OSError, TypeError):  # TypeError: there is no such library on Windows
        return False
