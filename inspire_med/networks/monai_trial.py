"""Trial: whether a network takes images of some size and answers with logits, found cheaply."""

import copy
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from inspire_med.errors import InputError


class Trial:
    """Sends shapes without numbers through a copy of a network, as in training and evaluation.

    Args:
        name: The network's, for messages.
        network: It stays as it is.
        in_channels: Channels of the image.
        out_channels: Channels that the answer must have.
    """

    def __init__(self, name: str, network: nn.Module, in_channels: int, out_channels: int) -> None:
        self._name = name
        self._hollow = copy.deepcopy(network).to("meta")
        self._in_channels = in_channels
        self._out_channels = out_channels

    def first(self, numbers: Sequence[int], sizes_of: Callable[[int], tuple[int, ...]]) -> int:
        """The first number with whose sizes the network works.

        Raises:
            InputError: If there is none: what is wrong with the last.
        """
        for number in numbers[:-1]:
            with suppress(InputError):
                self(sizes_of(number))
                return number
        self(sizes_of(numbers[-1]))
        return numbers[-1]

    def __call__(self, sizes: Sequence[int]) -> None:
        """Try images of these sizes.

        Raises:
            InputError: If the network fails or does not answer with one map of logits.
        """
        image = torch.zeros(1, self._in_channels, *sizes, device="meta")
        for training in (True, False):
            self._hollow.train(training)
            try:
                with torch.no_grad():
                    answer = only_map(self._hollow(image))
            except Exception as error:  # whatever it is, such images cannot be sent through
                raise InputError(
                    f"network: MONAI's {self._name} fails on images of "
                    f"{' x '.join(map(str, sizes))} "
                    f"{why(error, 'choose another network, or other monai_arguments')}"
                ) from error
            if not isinstance(answer, Tensor) or answer.shape != (1, self._out_channels, *sizes):
                raise InputError(
                    f"network: MONAI's {self._name} does not answer with one map of logits of the "
                    "image's size; choose another network, or other monai_arguments."
                )


def only_map(answer: Any) -> Any:
    """The map out of a list of one."""
    return answer[0] if isinstance(answer, list | tuple) and len(answer) == 1 else answer


def why(error: Exception, todo: str) -> str:
    """What MONAI or torch said, in brackets, and what to do about it."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return f"({first}); {'install that package' if isinstance(error, ImportError) else todo}."
