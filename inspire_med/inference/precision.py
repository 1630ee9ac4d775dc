"""Precision: which number format is right and fast on this machine, found by a one-second trial.

Some torch/cuDNN pairs compute reduced-precision 3-D convolutions wrongly (pytorch#163539) or
several times slower than fp32 (pytorch#166122): no table by device name would be right.
"""

import math
import time
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]  # Fabric's names

# bf16 keeps 8 bits of mantissa: a sum over a few hundred products is right to about one per cent.
_TOLERANCE = 0.03
_TURNS = 8
_DTYPES: dict[str, torch.dtype] = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


@dataclass(frozen=True)
class PrecisionChoice:
    """A precision and the measurement behind it.

    Args:
        name: Fabric's name: `32-true`, `bf16-mixed` or `16-mixed`.
        reason: One line for the log: each candidate's error and time against fp32.
    """

    name: Precision
    reason: str


def choose_precision(spatial_dims: int, device: torch.device) -> PrecisionChoice:
    """Run a small convolution block forward and backward in each precision; take the fastest.

    Only right ones are taken: those whose result and weight gradients are finite and differ from
    fp32's by at most 3 % in L2 norm. The candidates take turns and each one's best time counts, so
    that other work on the machine disturbs neither more. The global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        torch.manual_seed(0)
        block, image = _trial(spatial_dims, device)
    names: list[Precision] = ["32-true", "bf16-mixed"]
    if device.type != "cpu":
        names.append("16-mixed")
    passes = [{name: _pass(block, image, name) for name in names} for _ in range(_TURNS)]
    seconds = {name: min(turn[name][1] for turn in passes) for name in names}
    expected = passes[0]["32-true"][0]
    errors = {name: _error(passes[0][name][0], expected) for name in names}
    right: list[Precision] = [name for name in names if errors[name] <= _TOLERANCE]
    right.sort(key=lambda name: seconds[name])
    return PrecisionChoice(right[0], "; ".join(_note(n, seconds[n], errors[n]) for n in names))


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The autocast context that a Fabric precision name stands for."""
    reduced = precision in _DTYPES
    return torch.autocast(device.type, dtype=_DTYPES.get(precision), enabled=reduced)


def _trial(spatial_dims: int, device: torch.device) -> tuple[nn.Module, Tensor]:
    """A convolution-norm-activation block and an input of about a million values."""
    convolution = nn.Conv2d if spatial_dims == 2 else nn.Conv3d
    norm = nn.BatchNorm2d if spatial_dims == 2 else nn.BatchNorm3d
    shape = (8, 32, 64, 64) if spatial_dims == 2 else (1, 32, 32, 32, 32)
    layout = torch.channels_last if spatial_dims == 2 else torch.channels_last_3d
    block = nn.Sequential(convolution(32, 32, 3, padding=1), norm(32), nn.LeakyReLU(0.01))
    return block.to(device), torch.randn(shape, device=device).to(memory_format=layout)


def _pass(block: nn.Module, image: Tensor, precision: str) -> tuple[list[Tensor], float]:
    """Result and weight gradients in fp32, and the seconds of a pass forward and backward."""
    block.zero_grad()
    started = time.perf_counter()
    with autocast(precision, image.device):
        output = block(image)
    output.float().square().mean().backward()
    if image.device.type == "cuda":
        torch.cuda.synchronize(image.device)
    seconds = time.perf_counter() - started
    # The convolution's own bias cancels in the norm: its gradient is rounding alone.
    gradients = [p.grad for p in block.parameters() if p.grad is not None and p.dim() > 1]
    return [t.detach().float().clone() for t in (output, *gradients)], seconds


def _error(results: list[Tensor], expected: list[Tensor]) -> float:
    """Largest relative error in L2 norm; infinite if anything is not finite."""
    if not all(bool(r.isfinite().all()) for r in results):
        return math.inf
    pairs = zip(results, expected, strict=True)
    return max(float((r - e).norm() / e.norm()) for r, e in pairs)


def _note(name: str, seconds: float, error: float) -> str:
    verdict = "" if error <= _TOLERANCE else ", wrong"
    return f"{name} {1e3 * seconds:.1f} ms, error {error:.0e}{verdict}"
