from pathlib import Path

import pytest

from inspire_med.detection.folder import begin
from inspire_med.errors import InputError


@pytest.mark.parametrize(
    ("names", "resume", "message"),
    [
        (
            ["epoch_1.pth", "last_checkpoint"],
            None,
            "holds the checkpoints of a run; choose another",
        ),
        (["thesis.doc"], None, "something that is of no run .thesis.doc"),
        (["thesis.doc"], "auto", "something that is of no run .thesis.doc"),
        (["epoch_1.pth"], "auto", "holds epoch_1.pth, but last_checkpoint does not say which is"),
        (["last_checkpoint"], "auto", "last_checkpoint: names .*, which is missing"),
        (["epoch_1.pth"], "ELSEWHERE", "holds the checkpoints of another run than"),
        ([], "none.pth", "none.pth: no such checkpoint"),
    ],
)
def test_a_folder_that_a_run_must_not_write_into(tmp_path, names, resume, message):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in names:
        (folder / name).write_text("epoch_9.pth")
    if resume == "ELSEWHERE":
        resume = str(tmp_path / "other.pth")
        Path(resume).touch()
    with pytest.raises(InputError, match=message):
        begin(folder, resume)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "run").touch()
    with pytest.raises(InputError, match="run: is a file, not a folder"):
        begin(tmp_path / "run", None)


def test_a_start_that_came_to_nothing_leaves_its_folder_usable(tmp_path):
    (tmp_path / "20250101_120000").mkdir()
    (tmp_path / "tiny.py").touch()
    assert begin(tmp_path, None) is None
    assert begin(tmp_path, "auto") is None
    assert begin(tmp_path / "new", "auto") is None


def test_what_others_put_beside_a_run_does_not_end_it(tmp_path):
    for name in ("epoch_2.pth", "found.bbox.json", "w18-123.log", ".DS_Store"):
        (tmp_path / name).touch()
    (tmp_path / "last_checkpoint").write_text("epoch_2.pth")
    assert begin(tmp_path, "auto") == tmp_path / "epoch_2.pth"
    with pytest.raises(InputError, match="holds the checkpoints of a run"):
        begin(tmp_path, None)


def test_the_last_checkpoint_is_found_in_a_folder_that_was_moved(tmp_path):
    (tmp_path / "epoch_2.pth").touch()
    (tmp_path / "last_checkpoint").write_text("/before/epoch_2.pth")
    assert begin(tmp_path, "auto") == tmp_path / "epoch_2.pth"
    assert begin(tmp_path, str(tmp_path / "epoch_2.pth")) == tmp_path / "epoch_2.pth"
