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
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
