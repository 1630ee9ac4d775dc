"""Time a training step of every network, side by side: INSPIRE and its parts, and MONAI's.

One line a network: parameters, FLOPs of forward and backward, the median step, peak memory, and
the step's time over what its FLOPs, relative to the plain U-Net, predict. The networks take turns,
so that a busy machine slows all of them alike.

    python scripts/bench/networks.py --dims 3 --precision bf16
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from monai.networks.nets import AttentionUnet, DynUNet, SegResNet
from monai.networks.nets import UNet as MonaiUNet
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from inspire_med.inference.allocator import keep_freed_memory
from inspire_med.losses import SegmentationLoss
from inspire_med.networks import UNet

INPUTS = {2: (4, 3, 256, 256), 3: (1, 4, 64, 64, 64)}
FORMATS = {2: torch.channels_last, 3: torch.channels_last_3d}
WIDTHS = (32, 64, 128, 256)
REGIONS = 3
SKIPS = ("concat", "ise", "ise+isa", "inspire")
SKIPS += ("ise+isa+ssba@3", "ise+isa+ssba@4", "ise+isa+ssba-light", "ise+isa+ssba-light@2")


def monai_unet(dims: int, channels: int) -> nn.Module:
    return MonaiUNet(dims, channels, REGIONS, WIDTHS, (2, 2, 2), num_res_units=2, norm="batch")


def monai_dynunet(dims: int, channels: int) -> nn.Module:
    return DynUNet(
        dims,
        channels,
        REGIONS,
        kernel_size=[3] * 4,
        strides=[1, 2, 2, 2],
        upsample_kernel_size=[2] * 3,
        filters=list(WIDTHS),
    )


def monai_attention_unet(dims: int, channels: int) -> nn.Module:
    return AttentionUnet(dims, channels, REGIONS, WIDTHS, (2, 2, 2))


def monai_segresnet(dims: int, channels: int) -> nn.Module:
    return SegResNet(dims, 16, channels, REGIONS, blocks_down=(1, 2, 2, 4), blocks_up=(1, 1, 1))


MONAI: dict[str, Callable[[int, int], nn.Module]] = {
    "MONAI UNet": monai_unet,
    "MONAI DynUNet": monai_dynunet,
    "MONAI AttentionUnet": monai_attention_unet,
    "MONAI SegResNet": monai_segresnet,
}


def make(name: str, dims: int) -> nn.Module:
    torch.manual_seed(0)
    channels = INPUTS[dims][1]
    if name in MONAI:
        return MONAI[name](dims, channels)
    return UNet(dims, channels, REGIONS, widths=WIDTHS, skip=name)


class Step:
    """One network's training step: forward, loss, backward, optimiser."""

    def __init__(self, name: str, dims: int, dtype: torch.dtype) -> None:
        self.network = make(name, dims).to(memory_format=FORMATS[dims])
        self.loss = SegmentationLoss()
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=1e-3)
        self.dtype = dtype
        shape = INPUTS[dims]
        self.image = torch.randn(shape).to(memory_format=FORMATS[dims])
        self.target = (torch.rand(shape[0], REGIONS, *shape[2:]) > 0.5).float()

    def __call__(self) -> None:
        """Take the step."""
        with torch.autocast("cpu", self.dtype, enabled=self.dtype != torch.float32):
            loss = self.loss(self.network(self.image), self.target)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def seconds(self) -> float:
        """Time one step."""
        start = time.perf_counter()
        self()
        return time.perf_counter() - start

    def flops(self) -> int:
        """Count the operations of forward and backward."""
        with FlopCounterMode(display=False) as counter:
            self()
        return counter.get_total_flops()


def peak_gib(name: str, dims: int, precision: str) -> float:
    """Peak resident memory that two steps add, in a process of their own (Linux)."""
    command = [sys.executable, __file__, "--dims", str(dims), "--precision", precision]
    result = subprocess.run([*command, "--memory-of", name], capture_output=True, check=True)
    return float(result.stdout)


def memory_of(name: str, dims: int, dtype: torch.dtype) -> None:
    step = Step(name, dims, dtype)
    before = peak_kib()
    step()
    step()
    print((peak_kib() - before) / 2**20)


def peak_kib() -> int:
    """The kernel's high-water mark; unlike getrusage's it starts anew with the program."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def table(names: list[str], dims: int, precision: str, rounds: int, *, memory: bool) -> None:
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    steps = {name: Step(name, dims, dtype) for name in names}
    flops = {name: step.flops() for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(step.seconds())
    median = {name: statistics.median(values) for name, values in times.items()}
    least = {name: min(values) for name, values in times.items()}
    print(f"\n{dims}-D {'x'.join(map(str, INPUTS[dims]))}, {precision}, {rounds} rounds\n")
    columns = ["network", "parameters", "GFLOPs", "x plain", "s/step", "least s", "x plain"]
    columns += ["time/FLOPs", "GiB"]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    plain = names[0]
    for name in names:
        count = sum(p.numel() for p in steps[name].network.parameters())
        work, slow = flops[name] / flops[plain], median[name] / median[plain]
        peak = f"{peak_gib(name, dims, precision):.2f}" if memory else ""
        print(
            f"| {name} | {count:,} | {flops[name] / 1e9:.1f} | {work:.2f} | {median[name]:.3f} "
            f"| {least[name]:.3f} | {slow:.2f} | {slow / work:.2f} | {peak} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--dims", type=int, choices=(2, 3), nargs="+", default=[3, 2])
    parser.add_argument(
        "--precision", choices=("fp32", "bf16"), nargs="+", default=["fp32", "bf16"]
    )
    parser.add_argument(
        "--networks", nargs="+", default=[*SKIPS, *MONAI], help="the first is plain"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-memory", action="store_true", help="skip the peak-memory runs")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    if options.memory_of:
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16}[options.precision[0]]
        memory_of(options.memory_of, options.dims[0], dtype)
        return
    print(f"torch {torch.__version__}, {options.threads} threads, {platform.machine()}")
    for dims in options.dims:
        for precision in options.precision:
            table(options.networks, dims, precision, options.rounds, memory=not options.no_memory)


main()
