import errno
import json
import os
from pathlib import Path

import pytest

from inspire_med.errors import InputError
from inspire_med.files import (
    atomic_folder,
    atomic_path,
    link_or_copy,
    read_json,
    read_text,
    read_yaml,
    refuse_existing,
    write_json,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("old")

    with pytest.raises(RuntimeError, match="disk"), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("disk")

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["scores.json"]


def test_the_temporary_name_keeps_the_suffixes(tmp_path):
    with atomic_path(tmp_path / "mask.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_bytes(b"x")

    assert (tmp_path / "mask.nii.gz").read_bytes() == b"x"


def test_a_failed_folder_leaves_the_old_one(tmp_path):
    target = tmp_path / "best"
    target.mkdir()
    (target / "weights").write_text("old")

    with pytest.raises(RuntimeError, match="killed"), atomic_folder(target) as temporary:
        (temporary / "weights").write_text("new")
        raise RuntimeError("killed")

    assert (target / "weights").read_text() == "old"
    assert os.listdir(tmp_path) == ["best"]


def test_json_round_trip(tmp_path):
    write_json(tmp_path / "a" / "b.json", {"x": [1, 2.5, None]})

    assert read_json(tmp_path / "a" / "b.json") == {"x": [1, 2.5, None]}


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "b.json", {"x": float("nan")})
    assert os.listdir(tmp_path) == []


def test_read_json_names_the_file_that_is_missing(tmp_path):
    with pytest.raises(InputError, match="manifest.json: no such file"):
        read_json(tmp_path / "manifest.json")


def test_read_json_names_the_file_that_is_no_json(tmp_path):
    (tmp_path / "manifest.json").write_text("{not json")

    with pytest.raises(InputError, match=r"manifest.json: not readable as JSON"):
        read_json(tmp_path / "manifest.json")


def test_read_json_names_a_folder(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path)


@pytest.mark.parametrize("read", [read_json, read_yaml])
def test_the_mark_that_windows_puts_first_is_no_part_of_a_text(tmp_path, read):
    (tmp_path / "t").write_bytes(b'\xef\xbb\xbf{"a": "\xc3\xa9"}\r\n')

    assert read(tmp_path / "t") == {"a": "é"}


@pytest.mark.parametrize("read", [read_text, read_json, read_yaml])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_in_clear_words(tmp_path, read, encoding):
    (tmp_path / "t").write_text('{"a": 1}', encoding=encoding)

    with pytest.raises(InputError, match=r"t: is UTF-16 text, or no text at all; save it as UTF-8"):
        read(tmp_path / "t")


def test_the_code_of_one_country_is_refused(tmp_path):
    (tmp_path / "t").write_text("Größe", encoding="latin-1")

    with pytest.raises(InputError, match=r"t: its byte 2 is no UTF-8 .*; save it as UTF-8"):
        read_text(tmp_path / "t")


@pytest.mark.parametrize("read", [read_json, read_yaml])
@pytest.mark.parametrize("text", ['{"lr": 1, "lr": 2}', '{"a": [{"lr": 1, "b": 2, "lr": 1}]}'])
def test_a_key_that_stands_twice_is_refused(tmp_path, read, text):
    (tmp_path / "t").write_text(text)

    with pytest.raises(InputError, match="t: has the key lr twice; keep one"):
        read(tmp_path / "t")


def test_one_key_in_several_mappings_is_no_repetition(tmp_path):
    text = "base: &base {a: 1, b: 2}\nother: {<<: *base, a: 3}\n"
    (tmp_path / "t").write_text(text)

    assert read_yaml(tmp_path / "t")["other"] == {"a": 3, "b": 2}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_exists_is_not_overwritten(tmp_path, kind):
    target = tmp_path / "out"
    if kind == "file":
        target.write_text(json.dumps({}))
    else:
        target.mkdir()
        (target / "something").touch()

    with pytest.raises(InputError, match=r"exists already; .* --overwrite"):
        refuse_existing(target, overwrite=False)
    refuse_existing(target, overwrite=True)


def test_an_empty_folder_is_free(tmp_path):
    refuse_existing(tmp_path, overwrite=False)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_json, "[" * 100_000),
        (read_json, '{"a": ' + "1" * 5_000 + "}"),
        (read_yaml, "[" * 10_000),
        (read_yaml, "a: " + "1" * 5_000),
        (read_yaml, "a: 2026-13-45"),
        (read_yaml, "a: !!int x"),
        (read_yaml, "a: !!bool x"),
        (read_yaml, "a: !!timestamp x"),
    ],
    ids=["json_deep", "json_long", "deep", "long", "date", "int", "bool", "timestamp"],
)
def test_what_a_parser_trips_over_is_named(tmp_path, read, text):
    (tmp_path / "t").write_text(text)

    with pytest.raises(InputError, match=r"/t: not readable as (JSON|YAML) \(.*\); mend it"):
        read(tmp_path / "t")


@pytest.mark.parametrize("number", [errno.EPERM, errno.EXDEV])
def test_where_there_can_be_no_link_there_is_a_copy(tmp_path, monkeypatch, number):
    def refuse(path, source):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write_text(tmp_path / "one", "text")

    link_or_copy(tmp_path / "one", tmp_path / "two")

    assert (tmp_path / "two").read_text() == "text"
    assert not (tmp_path / "two").samefile(tmp_path / "one")


def test_a_second_name_is_another_file_once_the_first_is_written_anew(tmp_path):
    write_text(tmp_path / "one", "before")

    link_or_copy(tmp_path / "one", tmp_path / "two")

    assert (tmp_path / "two").samefile(tmp_path / "one")
    write_text(tmp_path / "one", "after")
    assert (tmp_path / "two").read_text() == "before"


def test_a_full_disk_is_named_by_the_file_and_leaves_nothing(tmp_path):
    """A write that fails names no file by itself."""
    (tmp_path / "mask.nii.gz").write_text("before")

    def write():
        with atomic_path(tmp_path / "mask.nii.gz") as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left on device") as caught:
        write()

    assert caught.value.filename == str(tmp_path / "mask.nii.gz")
    assert [each.name for each in tmp_path.iterdir()] == ["mask.nii.gz"]
    assert (tmp_path / "mask.nii.gz").read_text() == "before"
