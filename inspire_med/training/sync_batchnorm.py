"""SyncBatchNorm: batch norm over the samples of all ranks, on CPU and GPU, alone and together."""

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]


class SyncBatchNorm(_BatchNorm):
    """Batch norm whose mean and variance are those of the whole batch, however it is shared out.

    With n_r values a channel on rank r, n = Σ n_r, μ = Σ n_r μ_r / n and
    σ² = Σ n_r (σ_r² + (μ_r - μ)²) / n (Chan et al., 1979): uneven shards count by their size.
    `torch.nn.SyncBatchNorm` computes the same and refuses CPU tensors once processes are joined.
    With one process, and in evaluation, this is batch norm. Names of the state are batch norm's.

    Shape:
        - Input and output: `(batch, channels, *spatial)`, of any number of spatial axes.
    """

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 (torch's name)
        """Take any number of axes."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Normalise over the whole batch."""
        if self.training and dist.is_initialized() and dist.get_world_size() > 1:
            return _normalise_whole_batch(self, input)
        single = self.training and input.numel() == input.shape[1]
        return input if single else super().forward(input)


def synchronise(
    network: nn.Module,
    device: torch.device,
    kinds: tuple[type[_BatchNorm], ...] = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
) -> None:
    """Replace every batch norm inside `network` by a synchronised one, in place.

    Parameters and running statistics are kept, shared ones stay shared; a GPU gets torch's own.

    Args:
        network: The network.
        device: Where it runs.
        kinds: The classes that are replaced: `nn.SyncBatchNorm` for torch's own on a CPU.
    """
    replaced: dict[nn.Module, nn.Module] = {}
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, kinds):
                if child not in replaced:
                    replaced[child] = _synchronised(child, device)
                setattr(parent, name, replaced[child])


def _synchronised(norm: _BatchNorm, device: torch.device) -> nn.Module:
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(norm)
    new = SyncBatchNorm(
        norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats
    )
    # The same tensors, not copies: another pass through the network may share them.
    for name, parameter in norm.named_parameters():
        new.register_parameter(name, parameter)
    for name, buffer in norm.named_buffers():
        new.register_buffer(name, buffer)
    return new.train(norm.training)


def _normalise_whole_batch(norm: _BatchNorm, x: Tensor) -> Tensor:
    mean, variance, count = _statistics_of_whole_batch(x)
    if norm.track_running_stats:
        _remember(norm, mean, variance, count)
    return _Normalise.apply(x, norm.weight, norm.bias, mean, variance, count, norm.eps)


def _statistics_of_whole_batch(x: Tensor) -> tuple[Tensor, Tensor, int]:
    """Mean and biased variance of every channel over all ranks, and values a channel."""
    wide = torch.promote_types(x.dtype, torch.float32)
    channels = x.shape[1]
    # Batch norm's own kernel, one pass over x; it answers in the type of what it would update.
    unused = x.new_zeros(2, channels, dtype=wide)
    mean, variance = torch.batch_norm_update_stats(x, unused[0], unused[1], 0.0)
    own = torch.cat([mean, variance, mean.new_tensor([x[:, 0].numel()])])
    ranks = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(ranks, own)
    table = torch.stack(ranks)
    means, variances, counts = table.split([channels, channels, 1], dim=1)
    count = counts.sum()
    mean = (counts * means).sum(0) / count
    variance = (counts * (variances + (means - mean) ** 2)).sum(0) / count
    return mean, variance, int(count)


def _remember(norm: _BatchNorm, mean: Tensor, variance: Tensor, count: int) -> None:
    """Update the running statistics as batch norm does: the variance unbiased."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    norm.num_batches_tracked.add_(1)
    share = norm.momentum
    if share is None:  # the mean over all batches
        share = 1 / float(norm.num_batches_tracked)
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), share)
    unbiased = variance * (count / max(count - 1, 1))
    norm.running_var.lerp_(unbiased.to(norm.running_var.dtype), share)


class _Normalise(torch.autograd.Function):
    """y = γ x̂ + β with the given statistics, and the gradient that knows how they came about.

    With g = ∂L/∂y: ∂L/∂x = γ/σ (g - Σg/n - x̂ Σ(g x̂)/n), the sums over all ranks (Ioffe and
    Szegedy, 2015). ∂L/∂γ and ∂L/∂β are this rank's; the gradients' own reduction adds them up.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        variance: Tensor,
        count: int,
        eps: float,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.count, ctx.eps = count, eps
        return F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, mean, variance = ctx.saved_tensors
        # Batch norm's backward kernel for fixed statistics gives g γ/σ, Σ(g x̂) and Σg in one go.
        direct, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            gradients[0], x, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        sums = torch.stack([by_weight, by_bias]).to(mean.dtype)
        dist.all_reduce(sums)
        of_product, of_gradient = sums / ctx.count
        scale = (variance + ctx.eps).rsqrt()
        if weight is not None:
            scale = scale * weight
        # The rest, -γ/σ (Σg/n + x̂ Σ(g x̂)/n), is a batch norm of x again, in its one fast kernel.
        slope, offset = -scale * of_product, -scale * of_gradient
        direct += F.batch_norm(x, mean, variance, slope, offset, training=False, eps=ctx.eps)
        if weight is None:
            by_weight = by_bias = None
        return direct, by_weight, by_bias, None, None, None, None
