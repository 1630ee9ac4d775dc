import subprocess
import sys

import pytest

from inspire_med.inference import allocator


@pytest.mark.slow
def test_numbers_are_the_same_with_and_without():
    script = (
        "import torch, sys\n"
        "from inspire_med.inference.allocator import keep_freed_memory\n"
        "if sys.argv[1] == 'keep': keep_freed_memory()\n"
        "torch.manual_seed(0); x = torch.randn(1, 8, 128, 128, requires_grad=True)\n"
        "y = torch.nn.Conv2d(8, 8, 3)(x).relu().sum(); y.backward()\n"
        "print(y.item(), x.grad.sum().item())\n"
    )
    told = [
        subprocess.run([sys.executable, "-c", script, word], capture_output=True, text=True)
        for word in ("keep", "leave")
    ]

    assert told[0].returncode == 0, told[0].stderr
    assert told[0].stdout == told[1].stdout


@pytest.mark.parametrize(
    ("library", "told"),
    # malloc.h: M_MMAP_MAX -4, nothing by mmap; M_TRIM_THRESHOLD -1, of an int the largest
    [("glibc", [(-4, 0), (-1, 2147483647)]), ("", [])],
)
def test_glibc_alone_is_told_to_keep_what_is_freed(monkeypatch, library, told):
    calls = []

    class Library:
        def __init__(self, name):
            assert name is None  # the process itself

        def mallopt(self, *setting):
            calls.append(setting)

    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: (library, "2.36"))
    monkeypatch.setattr(allocator.ctypes, "CDLL", Library)

    allocator.keep_freed_memory()

    assert calls == told


@pytest.mark.parametrize(("library", "told"), [("glibc", [0]), ("", [])])
def test_glibc_alone_is_told_to_return_what_is_free(monkeypatch, library, told):
    calls = []

    class Library:
        def __init__(self, name):
            assert name is None

        def malloc_trim(self, kept):
            calls.append(kept)

    monkeypatch.setattr(allocator.platform, "libc_ver", lambda: (library, "2.36"))
    monkeypatch.setattr(allocator.ctypes, "CDLL", Library)

    allocator.return_freed_memory()

    assert calls == told
