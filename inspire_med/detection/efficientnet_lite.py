"""EfficientNet-Lite: an encoder of the segmentation networks as a detector's backbone.

Its ImageNet weights come with a package, so that a detector can start from some without a net.
"""

from collections.abc import Sequence
from typing import Any

from mmdet.registry import MODELS
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from inspire_med.blocks.efficientnet_lite import EFFICIENTNET_LITE, efficientnet_lite
from inspire_med.blocks.loop import bottom_up
from inspire_med.errors import InputError
from inspire_med.published import imagenet_weights
from inspire_med.weight_files import read_tensors


@MODELS.register_module()
class EfficientNetLite(BaseModule):
    """Five stages of inverted residual blocks, each halving its input's size.

    Args:
        name: "efficientnet-lite0", "efficientnet-lite1" or "efficientnet-lite2".
        out_indices: Stages whose maps are given, of 0 to 4; the last of them is 4.
        frozen_stages: The last of the first stages that keep their weights and statistics; -1 for
            none.
        norm_eval: Whether all norms keep their running statistics.
        init_cfg: mmengine's: of type "Pretrained" with the checkpoint
            "imagenet://efficientnet-lite0", with a local file of the same weights, or with the
            model of a segmentation network that has this encoder and `prefix="encoder."`.

    Shape:
        - Input: `(batch, 3, height, width)`, pictures as `(x - 127) / 128`, red first.
        - Output: the maps of `out_indices`; stage j has a side of 1 / 2^(j + 1), rounded up, and
          16, 24, 40, 112 and 320 channels in lite0.

    Raises:
        InputError: If there is no network of that name, or no such stage.

    References:
        Liu, EfficientNet-Lite, 2020; see `blocks.efficientnet_lite`.
    """

    def __init__(
        self,
        name: str = "efficientnet-lite0",
        *,
        out_indices: Sequence[int] = (1, 2, 3, 4),
        frozen_stages: int = -1,
        norm_eval: bool = True,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if name not in EFFICIENTNET_LITE:
            raise InputError(
                f"backbone.name={name!r} is unknown; give one of {', '.join(EFFICIENTNET_LITE)}."
            )
        encoder = efficientnet_lite(name, in_channels=3)
        self.stages, self.weight_names = encoder.stages, encoder.weight_names
        last = len(self.stages) - 1
        if not (min(out_indices) >= 0 and max(out_indices) == last and frozen_stages <= last):
            raise InputError(
                f"backbone.out_indices={tuple(out_indices)}, frozen_stages={frozen_stages}: the "
                f"stages are 0 to {last}, and the last one's map is always given; change them."
            )
        self.out_indices = tuple(out_indices)
        self.res_layers = [f"stages.{index}" for index in range(last + 1)]  # mmdet's word for them
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        self.register_load_state_dict_pre_hook(_name_by_stage)
        for stage in self._frozen():
            stage.requires_grad_(False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Give the maps of `out_indices`."""
        maps = bottom_up(self.stages, image)
        return tuple(maps[index] for index in self.out_indices)

    def train(self, mode: bool = True) -> "EfficientNetLite":
        """Set training mode, but for what keeps its statistics."""
        super().train(mode)
        kept = self.modules() if self.norm_eval else self._frozen().modules()
        for norm in kept:
            if isinstance(norm, _BatchNorm):
                norm.eval()
        return self

    def _frozen(self) -> nn.ModuleList:
        """The stages that do not learn, outside of which some norms may keep their statistics."""
        return self.stages[: self.frozen_stages + 1]


def _name_by_stage(
    backbone: EfficientNetLite, state_dict: dict[str, Any], prefix: str, *unused: Any
) -> None:
    """Give weights that have the names of the published files those of the stages."""
    for own, published in backbone.weight_names.items():
        if f"{prefix}{published}" in state_dict:
            state_dict[f"{prefix}{own}"] = state_dict.pop(f"{prefix}{published}")


def load_from_package(filename: str, map_location: Any = None) -> dict[str, Any]:
    """Read `imagenet://efficientnet-lite0` from the package that brings it.

    Raises:
        InputError: If no package brings that, or it is not installed, or its file is another.
    """
    file = imagenet_weights(filename.partition("://")[2]).verified()
    return {"state_dict": read_tensors(file)}


CheckpointLoader.register_scheme("imagenet://", load_from_package)
