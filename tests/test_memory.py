"""Memory: what the groups of processes that a process is in leave it."""

import pytest

from inspire_med.errors import InputError
from inspire_med.memory import _left_by_groups, bytes_of, is_in_memory

GIB = 2**30


def group(folder, limit, used, kept=0):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {kept}\n")


@pytest.fixture
def own(tmp_path):
    """The file that says which group a process is in."""
    (tmp_path / "cgroup").write_text("0::/job/step\n")
    return tmp_path / "cgroup"


def test_every_group_above_limits_a_process(tmp_path, own):
    group(tmp_path / "root" / "job" / "step", "max", 3 * GIB)
    group(tmp_path / "root" / "job", 8 * GIB, 3 * GIB)
    group(tmp_path / "root", 64 * GIB, 40 * GIB)

    assert list(_left_by_groups(tmp_path / "root", own)) == [5.0, 24.0]


def test_files_kept_in_case_they_are_read_again_are_free(tmp_path, own):
    group(tmp_path / "root", 16 * GIB, 16 * GIB, kept=12 * GIB)

    assert list(_left_by_groups(tmp_path / "root", own)) == [12.0]


def test_without_groups_there_is_no_limit(tmp_path):
    assert list(_left_by_groups(tmp_path / "root", tmp_path / "nothing")) == []


@pytest.mark.parametrize(
    ("text", "size"), [("20GiB", 20 * 2**30), ("1.5 GB", 1_500_000_000), ("3MiB", 3 * 2**20)]
)
def test_sizes_are_read_with_their_unit(text, size):
    assert bytes_of(text, "--store_limit") == size


@pytest.mark.parametrize("text", ["20", "GiB", "0GiB", "-1GiB", "20 gigs"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InputError, match=r"--store_limit: .* is no size; give a number and a unit"):
        bytes_of(text, "--store_limit")


def test_a_folder_is_of_the_file_system_that_is_mounted_nearest(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nmemory {tmp_path / 'fast'} tmpfs rw 0 0\n")

    assert is_in_memory(tmp_path / "fast" / "below", mounts)
    assert not is_in_memory(tmp_path / "slow", mounts)
    assert not is_in_memory(tmp_path / "fast", tmp_path / "absent")
