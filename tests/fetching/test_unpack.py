"""Archives of strangers: each harm by itself, in both formats where both know it."""

import errno
import io
import os
import stat
import struct
import tarfile
import zipfile
from types import SimpleNamespace

import pytest

from inspire_med.errors import InputError
from inspire_med.fetching.unpack import Limits, unpack

GOOD = {"set/images/a.jpg": b"picture", "set/masks/a.png": b"mask", "set/empty": b""}
KINDS = ("zip", "tar", "tar.gz", "tar.bz2", "tar.xz")


def pack(path, content, kind="zip"):
    """An archive of plain files, whatever they are called."""
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in content.items():
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    else:
        with tarfile.open(path, f"w:{kind[4:]}") as archive:
            for name, data in content.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


def pack_member(path, **fields):
    """A tar of one good file and one member of another type."""
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("good"))
        member = tarfile.TarInfo("set/odd")
        for name, value in fields.items():
            setattr(member, name, value)
        archive.addfile(member)
    return path


@pytest.fixture
def folder(tmp_path):
    """Where to unpack; whatever is beside it afterwards got out."""
    (tmp_path / "inside" / "out").mkdir(parents=True)
    (tmp_path / "archives").mkdir()
    return tmp_path / "inside" / "out"


@pytest.fixture
def archive(folder):
    return folder.parent.parent / "archives" / "a.bin"


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(archive, folder, words, limits=None):
    """It is refused in these words, and nothing was written."""
    with pytest.raises(InputError, match=words) as caught:
        unpack(archive, folder, limits)
    assert str(archive) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(folder.parent.rglob("*")) == [folder]


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_written_as_they_are(archive, folder, kind):
    seen = []
    pack(archive, GOOD, kind)

    unpack(archive, folder, progress=lambda *step: seen.append(step))

    assert files_in(folder) == GOOD
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_folders_and_names_of_any_language_are_written(archive, folder):
    with tarfile.open(archive, "w") as tar:
        place = tarfile.TarInfo("./Sammlung/Bilder")
        place.type = tarfile.DIRTYPE
        tar.addfile(place)
        tar.addfile(tarfile.TarInfo("./Sammlung/Bilder/Größe 息肉.png"))

    unpack(archive, folder)

    assert set(files_in(folder)) == {"Sammlung/Bilder/Größe 息肉.png"}


def test_rights_and_owners_of_the_archive_are_not_taken(archive, folder):
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo("script.sh")
        member.mode = 0o6777
        tar.addfile(member)

    unpack(archive, folder)

    mode = (folder / "script.sh").stat().st_mode
    assert not mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IXUSR)


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(
    "name",
    [
        "../escaped",
        "set/../../escaped",
        "/tmp/escaped",
        "//escaped",
        "set//../escaped",
        "..",
        "C:/escaped",
        "..\\escaped",
        "set\\a",
        "set/a\x01b",
        "set/\u202egnp.exe",  # shown as exe.png
        "\u2025/escaped",  # two dot leader, `..` to systems that normalise
        "set/a\uff0fb",  # full-width slash
        "set/\u200b",
    ],
)
def test_a_name_that_is_not_below_the_folder_is_refused(archive, folder, kind, name):
    pack(archive, {"good": b"1", name: b"2"}, kind)

    refused(archive, folder, "is no plain name below a folder; not unpacked")


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(
    "pair",
    [
        ("set/A.png", "set/a.png"),
        ("set/e\u0301.png", "set/\xe9.png"),
        ("./set/a.png", "set/a.png"),
        ("set/\uff41.png", "set/a.png"),
    ],
)
def test_two_entries_of_one_name_are_refused(archive, folder, kind, pair):
    pack(archive, dict.fromkeys(pair, b"1"), kind)

    refused(archive, folder, "have one name; not unpacked")


def test_the_very_same_name_twice_is_refused(archive, folder):
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
        tar.addfile(tarfile.TarInfo("a"))

    refused(archive, folder, "its entries 'a' and 'a' have one name")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_file_that_is_a_folder_too_is_refused(archive, folder, kind):
    pack(archive, {"set/a": b"1", "set/a/b": b"2"}, kind)

    refused(archive, folder, "'set/a' is a file and a folder")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, "is a link"),
        ({"type": tarfile.SYMTYPE, "linkname": "good"}, "is a link"),
        ({"type": tarfile.LNKTYPE, "linkname": "good"}, "is a link"),
        ({"type": tarfile.LNKTYPE, "linkname": "../../archives/a.bin"}, "is a link"),
        ({"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}, "is no plain file"),
        ({"type": tarfile.BLKTYPE, "devmajor": 8}, "is no plain file"),
        ({"type": tarfile.FIFOTYPE}, "is no plain file"),
    ],
)
def test_links_and_devices_are_refused(archive, folder, fields, words):
    refused(pack_member(archive, **fields), folder, f"its entry 'set/odd' {words}; not unpacked")


@pytest.mark.parametrize(
    ("mode", "words"),
    [(stat.S_IFLNK, "a link"), (stat.S_IFIFO, "no plain file"), (stat.S_IFCHR, "no plain file")],
)
def test_links_and_devices_of_a_zip_are_refused(archive, folder, mode, words):
    with zipfile.ZipFile(archive, "w") as handle:
        info = zipfile.ZipInfo("set/odd")
        info.external_attr = (mode | 0o644) << 16
        handle.writestr(info, "/etc/passwd")

    refused(archive, folder, f"its entry 'set/odd' is {words}; not unpacked")


def test_a_file_through_a_link_of_the_archive_cannot_get_out(archive, folder):
    with tarfile.open(archive, "w") as tar:
        link = tarfile.TarInfo("set")
        link.type, link.linkname = tarfile.SYMTYPE, ".."
        tar.addfile(link)
        tar.addfile(tarfile.TarInfo("set/escaped"))

    refused(archive, folder, "its entry 'set' is a link")


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz"])
def test_a_bomb_is_refused_before_it_goes_off(archive, folder, kind):
    pack(archive, {"zeros": bytes(20_000_000)}, kind)

    refused(archive, folder, r"would become more than [\d,]+ bytes, [\d.]+ times what is bearable")


def test_many_small_bombs_are_one(archive, folder):
    pack(archive, {f"z{number}": bytes(60_000) for number in range(40)}, "tar.gz")

    refused(archive, folder, "would become more than")


def test_size_and_count_have_limits(archive, folder):
    pack(archive, GOOD, "tar")

    refused(archive, folder, "more than 2 entries; not unpacked", Limits(files=2))
    refused(archive, folder, "would become more than 8 bytes", Limits(size=8))
    unpack(archive, folder, Limits(files=3, size=11))


def test_more_than_there_is_room_for_is_refused(archive, folder, monkeypatch):
    pack(archive, GOOD)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))

    words = r"inside: no room for what .* holds \(11 bytes; 10 are free\); make room there, or in"
    refused(archive, folder, words)


def test_a_disk_that_fills_up_is_no_fault_of_the_archive(archive, folder, monkeypatch):
    pack(archive, GOOD)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("inspire_med.fetching.unpack._write", full)

    refused(archive, folder, r"inside: no room for the rest of what .* are free\); make room there")


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
@pytest.mark.parametrize("place", ["first", "second", "global", "name", "link", "holes"])
def test_a_header_is_not_read_to_its_end_if_it_is_very_long(archive, folder, kind, place):
    long = "x" * (1 << 20)
    form = tarfile.GNU_FORMAT if place in ("name", "link") else tarfile.PAX_FORMAT
    shared = {"comment": long} if place == "global" else {}
    with tarfile.open(archive, f"w:{kind[4:]}", format=form, pax_headers=shared) as made:
        if place != "first":
            made.addfile(tarfile.TarInfo("good"))
        member = tarfile.TarInfo(long if place == "name" else "odd")
        member.linkname = long if place == "link" else ""
        if place in ("first", "second"):
            member.pax_headers = {"comment": long}
        if place == "holes":
            member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
            member.size = 1 << 21
            made.addfile(member, io.BytesIO(b"9999999\n" + b"1\n" * (1 << 20)))
        else:
            made.addfile(member)

    refused(archive, folder, "cannot be unpacked .an entry's header of more than 1,048,576 bytes")


def test_a_long_name_and_further_fields_are_read(archive, folder):
    name = "/".join(["deep" * 20] * 5)
    with tarfile.open(archive, "w:gz", pax_headers={"comment": "all"}) as made:
        member = tarfile.TarInfo(name)
        member.pax_headers, member.size = {"note": "x" * 100_000}, 3
        made.addfile(member, io.BytesIO(b"abc"))

    unpack(archive, folder)

    assert files_in(folder) == {name: b"abc"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_archive_is_refused(archive, folder, kind):
    noise = os.urandom(30_000)
    pack(archive, {"a": noise, "b": noise}, kind)
    archive.write_bytes(archive.read_bytes()[:-20_000])

    with pytest.raises(InputError, match=r"a\.bin: .*; fetch it again"):
        unpack(archive, folder)


def test_a_zip_that_lies_about_a_size_writes_no_more_than_it_said(archive, folder):
    pack(archive, {"a": b"x" * 5000})
    raw = bytearray(archive.read_bytes())
    central = raw.rindex(b"PK\x01\x02")
    raw[central + 24 : central + 28] = struct.pack("<I", 10)
    archive.write_bytes(bytes(raw))

    with pytest.raises(InputError, match=r"a\.bin: .*; fetch it again"):
        unpack(archive, folder)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 10


def test_a_damaged_zip_is_refused(archive, folder):
    pack(archive, {"a": os.urandom(5000)})
    raw = bytearray(archive.read_bytes())
    raw[2000] ^= 255
    archive.write_bytes(bytes(raw))

    with pytest.raises(InputError, match=r"cannot be unpacked \(.*; fetch it again"):
        unpack(archive, folder)


def test_an_encrypted_zip_is_refused(archive, folder):
    pack(archive, {"a": b"secret"})
    raw = bytearray(archive.read_bytes())
    raw[6] |= 1
    raw[raw.rindex(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(bytes(raw))

    with pytest.raises(InputError, match=r"cannot be unpacked \(.*encrypted"):
        unpack(archive, folder)


@pytest.mark.parametrize("content", [b"", b"<html>Please log in</html>" * 9, os.urandom(2000)])
def test_what_is_no_archive_is_refused(archive, folder, content):
    archive.write_bytes(content)

    refused(archive, folder, "neither a zip nor a tar archive; fetch it again")


def test_a_name_too_long_for_the_disk_is_a_sentence(archive, folder):
    pack(archive, {"a" * 300: b"1"})

    with pytest.raises(InputError, match=r"cannot be unpacked \(.*too long"):
        unpack(archive, folder)
