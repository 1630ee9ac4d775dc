"""The half of inference.py that runs in nnU-Net's environment: its predictor on its own network.

The network is its plain convolutional U-Net with as many levels and about as many FLOPs a window
as ours; weights are random. The predictor is unmodified: half a window's overlap, Gaussian
weights, no mirroring.
"""

import contextlib
import io
import json
import os
import sys
from types import SimpleNamespace

import numpy as np
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def main(request):
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))  # its worker threads would starve
    torch.set_num_threads(request["threads"])
    image = torch.from_numpy(np.load(request["image"]))
    patch, levels = request["patch"], request["levels"]

    def network(width):
        torch.manual_seed(0)
        return PlainConvUNet(
            len(image),
            levels,
            [min(width * 2**level, 320) for level in range(levels)],
            nn.Conv3d,
            3,
            [1] + [2] * (levels - 1),
            2,
            request["regions"],
            2,
            conv_bias=True,
            norm_op=nn.InstanceNorm3d,
            norm_op_kwargs={"eps": 1e-5, "affine": True},
            nonlin=nn.LeakyReLU,
            nonlin_kwargs={"inplace": True},
        ).eval()

    def flops(width):
        empty = torch.empty(1, len(image), *patch, device="meta")
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            network(width).to("meta")(empty)
        return counter.get_total_flops()

    width = min(range(4, 65, 2), key=lambda each: abs(flops(each) - request["flops"]))
    device = torch.device(request["device"])
    with contextlib.redirect_stdout(io.StringIO()):
        predictor = nnUNetPredictor(use_mirroring=False, device=device, allow_tqdm=False)
        heads = SimpleNamespace(num_segmentation_heads=request["regions"])
        predictor.manual_initialization(
            network(width),
            SimpleNamespace(get_label_manager=lambda _: heads),
            SimpleNamespace(patch_size=patch),
            None,
            {},
            "",
            None,
        )
    precision = "fp16" if device.type == "cuda" else "fp32"
    print(f"{precision}, {flops(width) / 1e9:.1f} GFLOPs a window", flush=True)
    for _ in sys.stdin:
        with torch.inference_mode(), contextlib.redirect_stdout(io.StringIO()):
            predictor.predict_sliding_window_return_logits(image).cpu()
        print("done", flush=True)


main(json.loads(sys.argv[1]))
