"""Canvas: one padded size for every training batch, whichever way its images lie."""

from collections.abc import Sequence

import torch.nn.functional as F
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.structures import PixelData
from torch import Tensor, nn

from inspire_med.errors import InputError


@MODELS.register_module()
class OrientedFixedSizePad(nn.Module):
    """Pad a batch at its right and bottom to a (long, short) canvas that lies as the batch does.

    A batch at least as high as wide gets `long` rows and `short` columns, any other one the
    reverse. With synchronised batch norm every process then counts the same number of pixels,
    and convolutions meet two shapes in all. Nothing is ever cropped: where a batch is larger than
    the canvas, the canvas grows to hold it. That happens in a well-made recipe too: mmdet's
    `AspectRatioBatchSampler` puts what is left at the end of an epoch into batches that mix
    portraits with landscapes.

    For `batch_augments` of mmdet's `DetDataPreprocessor`, which runs it in training alone, after
    its own padding. Arguments but `size` are those of mmdet's `BatchFixedSizePad`.

    Args:
        size: Longer and shorter side of the canvas, in pixels.
        img_pad_value: What the images, normalised by then, are padded with: 0 is a mean pixel.
        pad_mask: Whether to pad the instances' masks.
        mask_pad_value: What they are padded with.
        pad_seg: Whether to pad semantic maps.
        seg_pad_value: What they are padded with.

    Shape:
        - Input: images `(batch, channels, height, width)` and as many data samples, or None.
        - Output: the same at the canvas's size, which the samples' `batch_input_shape` and
          `pad_shape` tell; `img_shape` stays.

    Raises:
        InputError: If `size` is not (long, short).

    References:
        The fixed canvas for HRNet with SyncBN: sunke123/hrnet-tmp (`pad_size`), June 2019.
    """

    def __init__(
        self,
        size: Sequence[int],
        img_pad_value: float = 0,
        pad_mask: bool = False,
        mask_pad_value: int = 0,
        pad_seg: bool = False,
        seg_pad_value: int = 255,
    ) -> None:
        super().__init__()
        self.long, self.short = long_and_short("OrientedFixedSizePad.size", size)
        self.img_pad_value = img_pad_value
        self.pad_mask = pad_mask
        self.mask_pad_value = mask_pad_value
        self.pad_seg = pad_seg
        self.seg_pad_value = seg_pad_value

    def forward(
        self, inputs: Tensor, data_samples: list[DetDataSample] | None = None
    ) -> tuple[Tensor, list[DetDataSample] | None]:
        """Pad the images and, in place, what the samples hold."""
        height, width = inputs.shape[-2:]
        rows, columns = (self.long, self.short) if height >= width else (self.short, self.long)
        canvas = max(rows, height), max(columns, width)
        for sample in data_samples or []:
            self._pad_sample(sample, canvas)
        return _padded(inputs, canvas, self.img_pad_value), data_samples

    def _pad_sample(self, sample: DetDataSample, canvas: tuple[int, int]) -> None:
        sample.set_metainfo({"batch_input_shape": canvas, "pad_shape": canvas})
        masks = sample.gt_instances.get("masks")
        if self.pad_mask and masks is not None:
            sample.gt_instances.masks = masks.pad(canvas, pad_val=self.mask_pad_value)
        if self.pad_seg and "gt_sem_seg" in sample:
            old = sample.gt_sem_seg
            semantic = _padded(old.get("sem_seg"), canvas, self.seg_pad_value)
            sample.gt_sem_seg = PixelData(metainfo=old.metainfo, sem_seg=semantic)


def long_and_short(option: str, size: Sequence[int]) -> tuple[int, int]:
    """Check a pair of sides; `option` names it in the message."""
    if len(size) != 2 or not size[0] >= size[1] > 0:
        raise InputError(
            f"{option}={tuple(size)} is not a longer and a shorter side; give two positive numbers "
            "of pixels, the longer one first."
        )
    return size[0], size[1]


def _padded(image: Tensor, canvas: tuple[int, int], value: float) -> Tensor:
    height, width = image.shape[-2:]
    return F.pad(image, (0, canvas[1] - width, 0, canvas[0] - height), value=value)
