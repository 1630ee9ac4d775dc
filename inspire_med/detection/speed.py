"""Speed: images a second of a detector, from a prepared image to its detections."""

import statistics
import time

import torch
from mmdet.models import BaseDetector
from mmdet.structures import DetDataSample
from torch import Tensor

from inspire_med.detection.precision import Precision, autocast

_WARM_UP = 3
_LEAST, _MOST, _SECONDS = 5, 100, 10.0  # runs at least, at most, and when in between to stop


def blank_sample(height: int, width: int) -> DetDataSample:
    """Make the data sample of an image that is used at its own size."""
    size = (height, width)
    meta = dict.fromkeys(("img_shape", "ori_shape", "pad_shape", "batch_input_shape"), size)
    return DetDataSample(metainfo={**meta, "scale_factor": (1.0, 1.0)})


@torch.no_grad()
def frames_per_second(
    detector: BaseDetector, height: int, width: int, *, precision: Precision = "fp32"
) -> float:
    """Time one image a batch through network and post-processing; the reciprocal of the median.

    Loading and preparing the image are left out, the first runs too. The image is noise: a
    detector without trained weights finds much or nothing in it, and its post-processing takes
    accordingly long.

    Args:
        detector: In eval mode, on the device to be timed.
        height: Rows of the image in pixels, as padded.
        width: Columns of it.
        precision: What the networks compute in, by autocast; what is made of their outputs is in
            float32 always.
    """
    image = torch.randn(1, 3, height, width, device=next(detector.parameters()).device)
    with autocast(detector, precision):
        for _ in range(_WARM_UP):
            _seconds(detector, image)
        taken: list[float] = []
        while len(taken) < _LEAST or (len(taken) < _MOST and sum(taken) < _SECONDS):
            taken.append(_seconds(detector, image))
    return 1 / statistics.median(taken)


def _seconds(detector: BaseDetector, image: Tensor) -> float:
    """Time one run, to the end of what it has asked of the device."""
    samples = [blank_sample(*image.shape[2:])]
    _synchronise(image.device)
    start = time.perf_counter()
    detector(image, samples, mode="predict")
    _synchronise(image.device)
    return time.perf_counter() - start


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
