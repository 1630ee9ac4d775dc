import subprocess
import sys

import pytest


@pytest.mark.slow
def test_numbers_are_the_same_with_and_without():
    script = (
        "import torch, sys\n"
        "from inspire_med.inference.allocator import keep_freed_memory\n"
        "if sys.argv[1] == 'keep': keep_freed_memory()\n"
        "torch.manual_seed(0); x = torch.randn(1, 8, 128, 128, requires_grad=True)\n"
        "y = torch.nn.Conv2d(8, 8, 3)(x).relu().sum(); y.backward()\n"
        "print(y.item(), x.grad.sum().item())\n"
    )
    told = [
        subprocess.run([sys.executable, "-c", script, word], capture_output=True, text=True)
        for word in ("keep", "leave")
    ]

    assert told[0].returncode == 0, told[0].stderr
    assert told[0].stdout == told[1].stdout
