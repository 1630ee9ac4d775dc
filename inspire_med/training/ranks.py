"""Ranks: what the processes of one training tell each other, and how they notice one that is gone.

Every rank takes the same decisions from the same numbers: what only one of them can know (a signal,
a file, the time) is agreed on before it is used, so no rank ever waits for one that went elsewhere.
"""

import ctypes
import signal
import sys
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from inspire_med.errors import InputError

LOST = 76  # exit status of a rank that ends because another one is gone
_WORDS = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "remote process exited",  # NCCL's words, and the next
    "communicator was aborted",
)


class AgreedError(InputError):
    """A fault that all ranks have found together; the first of them says it."""


def sum_over_ranks(sums: Tensor) -> Tensor:
    """Sum a tensor over all ranks; gradients are summed likewise."""
    if not dist.is_initialized():
        return sums
    return _AllReduceSum.apply(sums)


def highest_over_ranks(values: Sequence[float], device: torch.device) -> list[float]:
    """The highest of each value over all ranks: how ranks agree on what one of them noticed."""
    if not dist.is_initialized():
        return list(values)
    # NCCL moves tensors of its GPU alone; double precision keeps seconds of a year-long run exact.
    tensor = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(tensor, dist.ReduceOp.MAX)
    return tensor.tolist()


def share_buffers(network: torch.nn.Module) -> None:
    """Give every rank the buffers (running statistics) of rank 0."""
    if dist.is_initialized():
        for buffer in network.buffers():
            dist.broadcast(buffer, src=0)


def leave() -> None:
    """Leave the process group when all have come here; without one, do nothing."""
    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def end_with_parent() -> None:
    """Let the system end this process when the one that started it is gone, however it went.

    Without it the others wait for the first rank in a collective until that gives up.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1 is PR_SET_PDEATHSIG


def is_lost_rank(error: RuntimeError) -> bool:
    """Does the error say that another rank of this run is gone? Its own message says why."""
    return any(words in str(error) for words in _WORDS)


class _AllReduceSum(torch.autograd.Function):
    """torch has given up its differentiable all-reduce, and what replaces it is private."""

    @staticmethod
    def forward(ctx: Any, sums: Tensor) -> Tensor:
        total = sums.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total
