"""Released semantics: the blocks of the public neck, number for number."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inspire_med.blocks.deform import DeformConvPack
from inspire_med.blocks.pointwise import Pointwise
from inspire_med.blocks.resize import resize


class SharedNorm(nn.Module):
    """One batch norm for the full map and for its global mean, as in the release.

    Where a training batch of one leaves the mean a single value per channel, which a batch norm
    cannot normalise, the mean is normalised by the running statistics.

    Args:
        channels: Channels of the map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the full map."""
        return self.norm(x)

    def pooled(self, mean: Tensor) -> Tensor:
        """Normalise the global mean `(batch, channels, 1, 1)`."""
        norm = self.norm
        if self.training and mean.shape[0] == 1:
            return F.batch_norm(
                mean, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
            )
        return norm(mean)


class SeparateNorm(nn.Module):
    """A batch norm for the full map; the global mean is normalised over its channels.

    Statistics of the two paths do not mix, and a batch of one is like any other.

    Args:
        channels: Channels of the map.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.pooled = nn.GroupNorm(1, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the full map."""
        return self.norm(x)


class ReleasedISE(nn.Module):
    """The release's ISE: a channel gate from the global mean.

    a = σ(SiLU(N(W_a mean(x)))), y = SiLU(N(W_l x)) + x ⊙ a, R = SiLU(BN(W y)).

    Args:
        channels: Channels in and out.
        norm: N, for the full map and, as `norm.pooled`, for the mean.

    Shape:
        - Input and output: `(batch, channels, height, width)`.

    References:
        INSPIRE, released code. 3c² + 4c parameters with `SharedNorm`.
    """

    def __init__(self, channels: int, norm: SharedNorm | SeparateNorm) -> None:
        super().__init__()
        self.attention = Pointwise(channels, channels, bias=False)
        self.lateral = Pointwise(channels, channels, bias=False)
        self.out = Pointwise(channels, channels, bias=False)
        self.norm = norm
        self.norm_out = nn.BatchNorm2d(channels)
        for layer in (self.attention, self.lateral, self.out):
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Enhance a lateral map."""
        mean = x.mean(dim=(2, 3), keepdim=True)
        gate = torch.sigmoid(F.silu(self.norm.pooled(self.attention(mean))))
        y = F.silu(self.norm(self.lateral(x))) + x * gate
        return F.silu(self.norm_out(self.out(y)))


class PackAlign(nn.Module):
    """The release's alignment: a deformable convolution over the coarse map and a mixture.

    u = SiLU(W_l SiLU(BN(up(P)))), o = BN(W_o [r, 2u]), g = SiLU(deform([u, o])). Where the
    transposed convolution's doubling misses the fine size, as on odd sizes, u is resized to it;
    where the sizes agree already, nothing is up-sampled.

    Args:
        channels: Channels of both maps and of the output.

    Shape:
        - Input: coarse `(batch, channels, *small)`, fine `(batch, channels, height, width)`.
        - Output: `(batch, channels, height, width)`.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels, 2, stride=2, bias=False)
        self.norm_up = nn.BatchNorm2d(channels)
        self.lateral = Pointwise(channels, channels, bias=False)
        self.offset = Pointwise(2 * channels, channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.deform = DeformConvPack(2 * channels, channels)
        for layer in (self.up, self.lateral, self.offset):
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Bring the coarse map to the fine one."""
        if coarse.shape[2:] != fine.shape[2:]:
            coarse = resize(F.silu(self.norm_up(self.up(coarse))), fine.shape[2:])
        up = F.silu(self.lateral(coarse))
        mixture = self.norm(self.offset(torch.cat([fine, 2 * up], dim=1)))
        return F.silu(self.deform(torch.cat([up, mixture], dim=1)))


class TanhGate(nn.Module):
    """The release's λ: w = tanh(W [g, r] + b), in (-1, 1).

    Args:
        channels: Channels of each map.

    Shape:
        - Input: two maps `(batch, channels, height, width)`.
        - Output: `(batch, 1, height, width)`.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = Pointwise(2 * channels, 1)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Weigh the aligned coarse map against the fine one."""
        return torch.tanh(self.linear(torch.cat([coarse, fine], dim=1)))


class ReleasedISA(nn.Module):
    """The release's ISA, with ISE on its fine input: w ⊙ g + (1 - w) ⊙ r.

    Args:
        enhance: ISE, on the fine map.
        align: (P_j, r) to g.
        gate: (g, r) to w.

    Shape:
        - Input: coarse `(batch, channels, *small)`, fine `(batch, channels, height, width)`.
        - Output: `(batch, channels, height, width)`.

    References:
        INSPIRE, released code. 28c² + 334c + 19 parameters in the published composition.
    """

    def __init__(self, enhance: nn.Module, align: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.enhance = enhance
        self.align = align
        self.gate = gate

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Merge a coarse map into a fine one."""
        enhanced = self.enhance(fine)
        aligned = self.align(coarse, enhanced)
        return torch.lerp(enhanced, aligned, self.gate(aligned, enhanced))


def released_isa(channels: int, *, norm: type[SharedNorm] | type[SeparateNorm]) -> ReleasedISA:
    """Compose the published ISA; `norm` is `SharedNorm` for its checkpoints."""
    enhance = ReleasedISE(channels, norm(channels))
    return ReleasedISA(enhance, PackAlign(channels), TanhGate(channels))
