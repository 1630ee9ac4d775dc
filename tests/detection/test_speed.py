import pytest
import torch
from mmdet.models import SingleStageDetector
from torch import nn

from inspire_med.detection import speed


class Clocked(SingleStageDetector):
    """A detector whose runs take the seconds it is told, and which notes how it was run."""

    def __init__(self, seconds) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(torch.ones(1))
        self.seconds = iter(seconds)
        self.clock = 0.0
        self.runs = []

    def forward(self, inputs, data_samples, mode):
        self.clock += next(self.seconds)
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None
        self.runs.append((tuple(inputs.shape), data_samples[0].img_shape, mode, dtype))
        assert not torch.is_grad_enabled()


def time_it(monkeypatch, seconds, **options) -> tuple[float, Clocked]:
    detector = Clocked(seconds)
    monkeypatch.setattr(speed.time, "perf_counter", lambda: detector.clock)
    return speed.frames_per_second(detector, 64, 96, **options), detector


def test_answers_by_the_median_after_the_warm_up(monkeypatch):
    fps, _ = time_it(monkeypatch, [9, 9, 9, 5, 4, 6, 30, 5])

    assert fps == 1 / 5


def test_quick_detectors_run_a_hundred_times(monkeypatch):
    fps, detector = time_it(monkeypatch, [0.01] * 103)

    assert fps == pytest.approx(100)
    assert len(detector.runs) == 103


def test_runs_one_image_to_its_detections_without_autocast(monkeypatch):
    _, detector = time_it(monkeypatch, [20] * 8)

    assert set(detector.runs) == {((1, 3, 64, 96), (64, 96), "predict", None)}


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)]
)
def test_lower_precision_is_autocasts(monkeypatch, precision, dtype):
    _, detector = time_it(monkeypatch, [20] * 8, precision=precision)

    assert {run[-1] for run in detector.runs} == {dtype}
