import json

from inspire_med.viz import training_figure


def test_loss_and_dice_are_drawn_by_step(tmp_path):
    lines = [
        {"kind": "step", "step": 1, "loss": 2.0},
        {"kind": "step", "step": 2, "loss": 1.0},
        {"kind": "validation", "step": 2, "dice": {"WT": 0.5, "ET": None}},
    ]
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(map(json.dumps, lines)) + '\n{"kind": "st')  # still being written

    left, right = training_figure(log).axes

    assert left.lines[0].get_xydata().tolist() == [[1.0, 2.0], [2.0, 1.0]]
    assert [line.get_label() for line in right.lines] == ["WT", "ET"]


def test_a_run_that_has_not_begun_has_empty_axes(tmp_path):
    log = tmp_path / "log.jsonl"
    log.touch()

    assert len(training_figure(log).axes) == 2
