"""Feedback: a backbone and an INSPIRE neck, unrolled, as the backbone of any detector."""

from collections.abc import Iterator
from copy import deepcopy
from typing import cast

from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from inspire_med.blocks.loop import Pass, unroll, with_shared_parameters
from inspire_med.blocks.ssba import SSBA
from inspire_med.detection.neck import PyramidNeck
from inspire_med.errors import InputError


@MODELS.register_module()
class FeedbackBackbone(BaseModule):
    """A backbone and a pyramid, passed through `steps` times with SSBA between the passes.

    C̃_j = F_fp(P_j, C_j) replaces C_j before the backbone's next stage reads it; the stem and the
    first stage run once. SSBA starts as C̃ = C, so that the detector starts as one with the neck
    alone. Give it to a detector as `backbone`, with `neck=None`.

    Args:
        backbone: Config of any backbone of mmdet's ResNet family (ResNeXt, Res2Net, ...), or of
            `EfficientNetLite`; its `out_indices` without gaps. Pretrained weights by its own
            `init_cfg`.
        neck: Config of an `InspireFPN` over all of the backbone's maps (`start_level` 0: leave
            a map out by the backbone's `out_indices`).
        steps: Passes; 1 is the backbone and the neck alone.
        own_stages: Whether a further pass has backbone weights of its own, started as copies of
            the first's, as in DetectoRS; the neck's are always shared.
        init_cfg: mmengine's.

    Shape:
        - Input: images `(batch, 3, height, width)`.
        - Output: the neck's maps, fine to coarse.

    Note:
        Passes share parameters under two names. An `optim_wrapper.paramwise_cfg` needs mmengine's
        `bypass_duplicate=True`; `EMAHook` with `update_buffers=True` would average a shared weight
        twice a step; and mmdet's `with_cp` cannot be joined with several processes (torch's DDP
        takes no reentrant checkpoint of a shared parameter).

    Raises:
        InputError: If the backbone is of another family, or levels are left out in between.

    References:
        INSPIRE, figure (a) and (d); the unrolling as in Qiao et al., DetectoRS, CVPR 2021.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        *,
        steps: int = 2,
        own_stages: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        _check_levels(self.backbone, self.neck)
        further = steps - 1
        self.feedback = nn.ModuleList(
            SSBA(self.neck.width, channels) for channels in self.neck.in_channels if further
        )
        copy = deepcopy if own_stages else with_shared_parameters
        self.passes = nn.ModuleList(
            Pass(map(copy, self._stages()), with_shared_parameters(self.neck.pyramid.top_down))
            for _ in range(further)
        )

    def init_weights(self) -> None:
        """Initialise, then start the further passes as copies of the first, pretrained or not."""
        super().init_weights()
        for again, original in self._copies():
            again.load_state_dict(original.state_dict())

    def train(self, mode: bool = True) -> "FeedbackBackbone":
        """Set training mode, frozen stages and norms alike in every pass."""
        super().train(mode)
        for again, original in self._copies():
            for copied, module in zip(again.modules(), original.modules(), strict=True):
                copied.training = module.training
        return self

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Give the neck's maps after the last pass."""
        features, pyramid = unroll(
            self.backbone(image),
            self.neck.pyramid.top_down,
            feedback=list(self.feedback),
            passes=cast("list[Pass]", list(self.passes)),
        )
        return self.neck.finish(features, pyramid)

    def _stages(self) -> list[nn.Module]:
        """List the backbone's stages after the first map."""
        names = [self.backbone.res_layers[index] for index in self.backbone.out_indices[1:]]
        return [self.backbone.get_submodule(name) for name in names]

    def _copies(self) -> Iterator[tuple[nn.Module, nn.Module]]:
        """Pair every module of a further pass with the first pass's."""
        for again in cast("list[Pass]", list(self.passes)):
            yield from zip(again.stages, self._stages(), strict=True)
            yield again.top_down, self.neck.pyramid.top_down


def _check_levels(backbone: nn.Module, neck: nn.Module) -> None:
    if not hasattr(backbone, "res_layers"):
        raise InputError(
            f"backbone.backbone.type={type(backbone).__name__}: FeedbackBackbone runs stage after "
            "stage, which only mmdet's ResNet family and EfficientNetLite let it; name one of them."
        )
    if not isinstance(neck, PyramidNeck):
        raise InputError(
            f"backbone.neck.type={type(neck).__name__}: FeedbackBackbone feeds an INSPIRE pyramid "
            "back; name InspireFPN or ReleasedInspireFPN."
        )
    indices = list(cast("tuple[int, ...]", backbone.out_indices))
    if indices != list(range(indices[0], indices[0] + len(indices))):
        raise InputError(
            f"backbone.backbone.out_indices={tuple(indices)} leaves a stage out; name neighbours."
        )
    if neck.start_level != 0 or neck.stop_level != len(indices):
        raise InputError(
            "backbone.neck.start_level, end_level: every map that the backbone gives is fed back; "
            "leave maps out by backbone.backbone.out_indices instead."
        )
