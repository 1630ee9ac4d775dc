"""Allocator: keep the memory that one step frees for the next one."""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # glibc's names in malloc.h


def keep_freed_memory() -> None:
    """Have glibc keep freed blocks in place of returning them to the kernel.

    A training step frees and takes the same large blocks again and again; each time the kernel
    hands them out page by page, zeroed. Call it once, before the first tensor; no number changes.
    Without glibc nothing happens.
    """
    if _is_glibc():
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def return_freed_memory() -> None:
    """Have glibc return to the kernel what is free now, though it was told to keep it.

    Blocks of another size come next, which do not fit where the last ones were: kept, those would
    be there besides.
    """
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
