"""Metric: the protocols in other people's MONAI loops."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.metrics.metric import CumulativeIterationMetric
from numpy.typing import NDArray
from torch import Tensor

from inspire_med.errors import InputError
from inspire_med.evaluation.case import score_masks
from inspire_med.evaluation.grey_case import score_grey
from inspire_med.evaluation.protocols import MaskProtocol, PictureProtocol, protocol
from inspire_med.evaluation.statistics.summary import Summary, summarise


class ProtocolMetric(CumulativeIterationMetric):
    """Every measure of a named protocol, case by case, cumulated as MONAI's own metrics are.

    Args:
        name: Of the protocol, such as `segmentation` or `brats2023-gli`; `coco` and `polyp-video`
            are none of these, since they score a whole set or video at once.
        regions: Names of the channels, in order.
        spacing_mm: Voxel size along each spatial axis; a call may give its own. Needed for masks.

    Shape:
        - y_pred: `(batch, regions, *spatial)`, or a list of `(regions, *spatial)`; 0 or 1, for
          protocols on grey maps probabilities.
        - y: likewise, 0 or 1.
        - Output: `(batch, regions, measures)`, float64; NaN or infinite where undefined.

    Values of the whole set, such as the polyp protocol's `max_dice`, are the evaluate command's.

    Raises:
        InputError: If no such protocol can be used here, or shapes or values do not fit.

    Example:
        >>> metric = ProtocolMetric("segmentation", ["tumour"], spacing_mm=(1, 1, 1))
        >>> ball = torch.zeros(1, 1, 8, 8, 8)
        >>> ball[..., 2:5, 2:5, 2:5] = 1
        >>> metric(ball, ball).shape
        torch.Size([1, 1, 10])
        >>> metric.aggregate()["tumour"]["dice"].mean
        1.0
    """

    def __init__(
        self, name: str, regions: Sequence[str], spacing_mm: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        rules = protocol(name)
        if not isinstance(rules, MaskProtocol | PictureProtocol) or rules.of_videos:
            raise InputError(f"protocol {name}: scores a whole set or video at once; use evaluate.")
        self.rules = rules
        self.regions = tuple(regions)
        self.spacing_mm = spacing_mm
        self._measures: list[str] = []

    def aggregate(self) -> dict[str, dict[str, Summary]]:
        """Mean, interval and how many were undefined, over all cases, by region and measure.

        Raises:
            InputError: If nothing was scored.
        """
        if not self._measures:
            raise InputError("nothing was scored yet: call the metric on predictions first.")
        values = np.asarray(self.get_buffer())
        return {
            region: {
                measure: summarise(values[:, row, column])
                for column, measure in enumerate(self._measures)
            }
            for row, region in enumerate(self.regions)
        }

    def reset(self) -> None:
        """Forget all cases."""
        super().reset()
        self._measures = []

    def _compute_tensor(
        self,
        y_pred: Tensor,
        y: Tensor | None = None,
        spacing_mm: Sequence[float] | None = None,
        **_: Any,
    ) -> Tensor:
        if y is None or y.shape != y_pred.shape or y.shape[1] != len(self.regions):
            shapes = f"{tuple(y_pred.shape)} and {None if y is None else tuple(y.shape)}"
            raise InputError(
                f"shapes {shapes}: prediction and reference must both be (batch, "
                f"{len(self.regions)} regions, *spatial)."
            )
        spacing = self.spacing_mm if spacing_mm is None else spacing_mm
        pairs = zip(_as_numpy(y), _as_numpy(y_pred), strict=True)
        return torch.stack([self._of_case(*pair, spacing) for pair in pairs])

    def _of_case(
        self, reference: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float] | None
    ) -> Tensor:
        rows: list[list[float]] = []
        for mask, predicted in zip(reference, prediction, strict=True):
            if isinstance(self.rules, PictureProtocol):
                result = score_grey(mask, predicted, self.rules)[self.rules.region]
            else:
                both = (_as_mask(mask, "y"), _as_mask(predicted, "y_pred"))
                result = score_masks(*both, spacing_mm, self.rules)
            self._measures = list(result.measures)
            rows.append(list(result.measures.values()))
        return torch.tensor(rows, dtype=torch.float64)


def _as_numpy(values: Tensor) -> NDArray[Any]:
    """Numpy has no bfloat16."""
    return (values.float() if values.is_floating_point() else values).cpu().numpy()


def _as_mask(values: NDArray[Any], name: str) -> NDArray[np.bool_]:
    mask = values != 0
    if not (values[mask] == 1).all():
        raise InputError(f"{name}: holds values other than 0 and 1; threshold it first.")
    return mask
