"""`prepare --download` against a server on this machine; no set's own address is asked."""

import hashlib
import io
import shlex
import zipfile
from dataclasses import replace

import pytest
from monai.apps import DecathlonDataset
from serving import serving

from inspire_med.cases.manifest import Manifest
from inspire_med.prepare import main as prepare
from inspire_med.tasks.downloads import CLOSED, OPEN
from inspire_med.tasks.find import task_named


@pytest.fixture
def archive(disc_images):
    """The discs as a published zip."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as zipped:
        for path in sorted(disc_images.parent.rglob("*.png")):
            zipped.write(path, f"release/{path.relative_to(disc_images.parent)}")
    return raw.getvalue()


@pytest.fixture
def published(monkeypatch):
    """Publish what a server has as the set `discs`."""

    def publish(served, content=None):
        content = served.content if content is None else content
        wanted = replace(
            OPEN["kvasir-seg"],
            url=served.url,
            checksum=f"sha384:{hashlib.sha384(content).hexdigest()}",
            size=len(content),
            folder="release",
        )
        monkeypatch.setitem(OPEN, "discs", wanted)

    return publish


def download(out):
    return prepare(["--download", "discs", "--out", str(out)])


def test_a_set_is_fetched_checked_unpacked_and_gone_on_with(archive, published, tmp_path, capsys):
    with serving(archive) as served:
        published(served)
        assert download(tmp_path / "discs") == 0

    said = capsys.readouterr().out
    assert "CC BY 4.0; cite Jha 2020" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["discs"]
    command = shlex.split(said.partition("go on with: inspire-med prepare ")[2])
    assert prepare([*command, "--folds", "2"]) == 0
    assert len(Manifest.load(tmp_path / "discs.json").cases) == 6


def test_a_transfer_that_was_cut_off_goes_on(archive, published, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    with serving(archive, cut_after=[3000] + [0] * 9) as served:
        published(served)
        assert download(tmp_path / "discs") == 2
        assert "the transfer fails (cut off after 3,000 bytes)" in capsys.readouterr().err
        assert not (tmp_path / "discs").exists()
        served.cut_after.clear()

        assert download(tmp_path / "discs") == 0

    assert served.asked[-1] == "bytes=3000-"
    assert len(list((tmp_path / "discs" / "release" / "images").iterdir())) == 6


def test_another_archive_than_the_published_one_is_refused(archive, published, tmp_path, capsys):
    forged = archive[:500] + bytes([archive[500] ^ 1]) + archive[501:]
    with serving(forged) as served:
        published(served, archive)
        assert download(tmp_path / "discs") == 2

    assert "not the published" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_leaves_the_folder_is_refused_though_published(published, tmp_path, capsys):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as zipped:
        zipped.writestr("release/images/a.png", b"1")
        zipped.writestr("../../escaped", b"2")
    out = tmp_path / "deep" / "discs"
    with serving(raw.getvalue()) as served:
        published(served)
        assert download(out) == 2

    assert "its entry '../../escaped' is no plain name below a folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in out.parent.iterdir()] == ["discs-set.zip.part"]


def test_what_is_there_is_kept_and_no_server_is_asked(archive, published, tmp_path, capsys):
    (tmp_path / "discs").mkdir()
    (tmp_path / "discs" / "mine.txt").write_text("mine")
    with serving(archive) as served:
        published(served)
        assert download(tmp_path / "discs") == 2

    assert "discs: exists already" in capsys.readouterr().err
    assert served.asked == []


@pytest.mark.parametrize("name", CLOSED)
def test_a_set_behind_a_login_says_where_to_ask(tmp_path, capsys, name):
    assert prepare(["--download", name, "--out", str(tmp_path / "x")]) == 2

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"get it at {CLOSED[name].where}, then prepare --task {CLOSED[name].task}" in said
    assert CLOSED[name].where.startswith("https://")
    assert task_named(CLOSED[name].task)


def test_an_unknown_set_is_named_with_the_nearest(tmp_path, capsys):
    assert prepare(["--download", "msd-hart", "--out", str(tmp_path / "x")]) == 2
    assert "--download msd-hart: unknown; did you mean msd-heart?" in capsys.readouterr().err
    assert prepare(["--download", "zzz", "--out", str(tmp_path / "x")]) == 2
    assert "--download zzz: unknown; choose from kvasir-seg, isles2022, msd" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("name", OPEN)
def test_an_open_set_has_an_address_and_a_whole_checksum(name):
    wanted = OPEN[name]
    algorithm, _, digest = wanted.checksum.partition(":")

    assert len(bytes.fromhex(digest)) == hashlib.new(algorithm).digest_size
    assert wanted.url.startswith("https://")
    assert wanted.url.endswith((".zip", ".tar"))
    assert wanted.licence
    assert wanted.cite
    assert wanted.task == "nnunet" or task_named(wanted.task)


def test_the_decathlons_checksums_are_those_that_monai_has():
    ours = {
        wanted.folder: (wanted.url, wanted.checksum)
        for name, wanted in OPEN.items()
        if name.startswith("msd-")
    }

    assert ours == {
        task: (DecathlonDataset.resource[task], f"md5:{digest}")
        for task, digest in DecathlonDataset.md5.items()
    }
