"""Finite: a training that comes upon a number that is none ends, before it is kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce, get_dist_info
from mmengine.hooks import Hook
from mmengine.runner import Runner

from inspire_med.errors import InputError


class StopAtNotFinite(Hook):
    """End a run at the first loss or weight that is not finite.

    mmengine would train on, and put the network that has become nothing over its last good
    checkpoint. This stands before the hook that writes checkpoints.

    Ranks end together, and one says why: the first whose own losses are not finite, if one's are.

    Raises:
        InputError: In that iteration, after the step that it took.
        SystemExit: With 2 instead, on the ranks that leave the word to another.
    """

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Look at the losses and, by their norm, at all weights, of which one may come undone."""
        losses = {name: value for name, value in (outputs or {}).items() if "loss" in name}
        wrong = [name for name, value in losses.items() if not _is_finite(value)]
        spoiled = not _is_finite(torch.nn.utils.get_total_norm(runner.model.parameters()))
        rank, ranks = get_dist_info()
        claim = torch.tensor(rank + ranks * (0 if wrong else 1 if spoiled else 2))
        all_reduce(claim, "min")
        if claim >= 2 * ranks:
            return
        if claim % ranks != rank:
            raise SystemExit(2)
        what = f"{', '.join(wrong)} is" if wrong else "the weights are"
        raise InputError(
            f"{runner.work_dir}: {what} not finite after iteration {runner.iter + 1} "
            f"({_images(data_batch)}), so training stopped there and {_kept(runner)}; lower the "
            "learning rate, lengthen its warm-up or clip gradients (optim_wrapper.clip_grad), or "
            "mend those images' annotations."
        )


def _is_finite(value: Any) -> bool:
    return bool(torch.as_tensor(value).isfinite().all())


def _images(batch: Any) -> str:
    """The files of a batch, as mmdet packs them."""
    samples: Sequence[Any] = batch["data_samples"] if isinstance(batch, dict) else []
    paths = [getattr(sample, "metainfo", {}).get("img_path") for sample in samples]
    return f"images {', '.join(Path(path).name for path in paths if path)}"


def _kept(runner: Runner) -> str:
    last = runner.message_hub.runtime_info.get("last_ckpt")
    return f"{last} is the last checkpoint" if last else "no checkpoint was written"
