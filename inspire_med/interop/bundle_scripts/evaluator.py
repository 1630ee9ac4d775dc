"""Evaluator: case after case through one network or several, without pytorch-ignite."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from monai.data.dataset import Dataset
from monai.data.meta_tensor import MetaTensor
from torch import Tensor, nn

# Probabilities are whole numbers of 16 bits: p is round(p ONE), and 1/2 is a number of its own.
_ONE = 65534

Data = dict[str, Any]


class Evaluator:
    """Predicts the cases of a data set.

    Args:
        dataset: Its transform prepares a case for the first network.
        members: Networks whose probabilities are averaged, each with what prepares a case for it.
        inferer: Gives a network's logits of an image, `(1, regions, *spatial)`.
        postprocessing: From probabilities, under `pred`, to a file.
    """

    def __init__(
        self,
        dataset: Dataset,
        members: Sequence[tuple[Callable[[Data], Data], nn.Module]],
        inferer: Callable[[Tensor, nn.Module], Tensor],
        postprocessing: Callable[[Mapping[str, Any]], Any],
    ) -> None:
        self.dataset = dataset
        self.members = members
        self.inferer = inferer
        self.postprocessing = postprocessing

    @torch.inference_mode()
    def run(self) -> None:
        """Predict one case after another."""
        for index, case in enumerate(self.dataset.data):
            first: Data = self._prepared(index)
            data = first
            last, mean = self.members[0][0], None
            for count, (preprocessing, network) in enumerate(self.members, 1):
                if preprocessing is not last:
                    data, last = preprocessing(dict(case)), preprocessing
                image = data["image"].as_tensor()[None]
                logits = self.inferer(image, network.eval())[0]
                if not logits.isfinite().all():
                    raise ValueError(f"case {case['case']}: the network's answer is not finite")
                own = logits.sigmoid().mul_(_ONE).round_()
                mean = own if mean is None else (mean + (own - mean) / count).round_()
            assert mean is not None
            self.postprocessing({**first, "pred": MetaTensor(mean / _ONE)})

    def _prepared(self, index: int) -> Any:
        return self.dataset[index]
