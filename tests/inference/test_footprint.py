import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from inspire_med.inference.footprint import peak_bytes
from inspire_med.networks import UNet


class Held(nn.Module):
    """Holds a map of 4 channels and one of 2 while it makes one of 3."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        a = self.first(x)
        b = self.second(a)
        return torch.cat([a[:, :1], b], 1)


def test_what_lives_at_one_time_is_counted():
    pixels = 20 * 30

    assert peak_bytes(Held().eval(), (1, 1, 20, 30), "32-true") == (4 + 2 + 3) * 4 * pixels


def test_what_is_let_go_does_not_count():
    chain = nn.Sequential(*(nn.Conv3d(2, 2, 1) for _ in range(9))).eval()

    # One map is read while the next is made.
    assert peak_bytes(chain, (1, 2, 8, 8, 8), "32-true") == 2 * 2 * 4 * 8**3


@pytest.mark.parametrize("skip", ["concat", "inspire"])
def test_half_as_many_bytes_need_less(skip):
    network = UNet(3, 1, 1, widths=(4, 8), skip=skip).eval()
    shape = (1, 1, 32, 32, 32)

    assert peak_bytes(network, shape, "bf16-mixed") < 0.8 * peak_bytes(network, shape, "32-true")


def test_it_grows_with_the_window():
    network = UNet(3, 1, 1, widths=(4, 8), skip="concat").eval()

    small, large = (peak_bytes(network, (1, 1, n, n, n), "32-true") for n in (32, 64))

    assert large / 64**3 == pytest.approx(small / 32**3, rel=0.05)


def test_neither_network_nor_memory_is_touched():
    network = UNet(3, 1, 1, widths=(4, 8)).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}

    assert peak_bytes(network, (1, 1, 2048, 2048, 2048), "32-true") > 2**38

    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.isfinite(network(torch.randn(1, 1, 16, 16, 16))).all()


MEASURE = """
import torch
from pathlib import Path
from inspire_med.networks import UNet
torch.set_num_threads(1)
network = UNet(3, 1, 1, widths=(16, 32), skip="inspire").eval()
image = torch.zeros(1, 1, 96, 96, 96).contiguous(memory_format=torch.channels_last_3d)

def most():
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

with torch.inference_mode():
    network(image[..., :16, :16, :16])
    Path("/proc/self/clear_refs").write_text("5")  # the most so far is what there is now
    before = most()
    network(image)
print(most() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
def test_a_real_network_takes_about_what_is_said():
    network = UNet(3, 1, 1, widths=(16, 32), skip="inspire").eval()
    shape = (1, 1, 96, 96, 96)

    words = [sys.executable, "-c", MEASURE]
    taken = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)

    assert 0.7 < peak_bytes(network, shape, "32-true") / taken < 1.3
