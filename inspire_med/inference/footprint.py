"""Footprint: the memory that a network takes for an image, found without taking it."""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from inspire_med.inference.precision import autocast


@torch.inference_mode(False)
@torch.no_grad()
def peak_bytes(network: nn.Module, shape: Sequence[int], precision: str) -> int:
    """Most bytes that live at one time while a network answers, beside its weights and the image.

    The network runs on tensors that have a shape and no memory, operation by operation as it would
    on real ones; what each operation needs for itself is not counted.

    Args:
        network: In evaluation mode, on its device.
        shape: Of its input, `(batch, channels, *spatial)`.
        precision: Fabric's name of the precision.
    """
    device = next(network.parameters()).device
    layout = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
    with FakeTensorMode(allow_non_fake_inputs=True):
        image = torch.empty(*shape, device=device).contiguous(memory_format=layout)
        with autocast(precision, device), _Living() as living:
            network(image)
    return living.peak


class _Living(TorchDispatchMode):
    """Counts the bytes of what operations give, from when it is made until nobody holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._now = 0
        self._known = set[int]()

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run the operation and count what it gives."""
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._meet(tensor.untyped_storage())
        return result

    def _meet(self, storage: torch.UntypedStorage) -> None:
        """Count a storage once, and note its end."""
        key, size = id(storage), storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self._now += size
        self.peak = max(self.peak, self._now)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._now -= size
