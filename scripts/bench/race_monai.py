"""A contestant of race.py: a network of MONAI's in the plainest script of a MONAI user.

    python scripts/bench/race_monai.py --cases cases.json --network DynUNet --seconds 1200 \
        --seed 0 --out OUT

`cases.json` is {"training": [{"image": FILE or [FILE, ...], "label": FILE}], "test": [{"id",
"image"}], "regions": {NAME: [VALUE, ...]}, "spatial_dims": 2 or 3}. Dataset and
transforms are MONAI's, in patches of 96^3 (pictures: resized to 352 x 352 as polyp papers do),
DiceCELoss, Adam with a cosine; float32, on CUDA where there is one. Writes `<id>.nii.gz`, or
`<id>.png` for pictures, into OUT.
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import DataLoader, Dataset
from monai.inferers import sliding_window_inference
from monai.losses import DiceCELoss
from monai.networks.nets import DynUNet, SegResNet
from monai.transforms import (
    Compose,
    EnsureChannelFirstd,
    Lambdad,
    LoadImaged,
    NormalizeIntensityd,
    RandFlipd,
    RandScaleIntensityd,
    RandShiftIntensityd,
    RandSpatialCropd,
    Resized,
    SaveImage,
    ScaleIntensityRanged,
    SpatialPadd,
)
from monai.utils import set_determinism
from PIL import Image
from race_labels import own_values
from torch import Tensor, nn

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PICTURE, PATCH = (352, 352), (96, 96, 96)
BATCH = {2: 8, 3: 2}
LR = 1e-3
FILTERS = {2: (32, 64, 128, 256, 512), 3: (16, 32, 64, 128, 256)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--network", choices=("DynUNet", "SegResNet"), required=True)
    parser.add_argument("--seconds", type=float, required=True, help="of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    content = json.loads(options.cases.read_text())
    set_determinism(options.seed)
    dims, regions = content["spatial_dims"], content["regions"]
    network = build(options.network, dims, len(regions), channels=3 if dims == 2 else 4)
    network.to(DEVICE)
    steps, seconds = train(network, content, options.seconds)
    print(f"{steps} steps in {seconds:.0f} s")
    options.out.mkdir(parents=True, exist_ok=True)
    predict(network, content, options.out)


def build(name: str, dims: int, outputs: int, channels: int) -> nn.Module:
    if name == "SegResNet":
        return SegResNet(dims, init_filters=16, in_channels=channels, out_channels=outputs)
    depth = len(FILTERS[dims])
    return DynUNet(
        dims,
        channels,
        outputs,
        kernel_size=[3] * depth,
        strides=[1, *[2] * (depth - 1)],
        upsample_kernel_size=[2] * (depth - 1),
        filters=list(FILTERS[dims]),
    )


def train(network: nn.Module, content: dict[str, Any], limit_s: float) -> tuple[int, float]:
    """Steps until the time is over."""
    dims = content["spatial_dims"]
    data = Dataset(content["training"], transforms(content, training=True))
    loader = DataLoader(data, batch_size=BATCH[dims], shuffle=True, num_workers=1, drop_last=True)
    criterion = DiceCELoss(sigmoid=True)
    optimizer = torch.optim.Adam(network.parameters(), LR, weight_decay=1e-5)
    network.train()
    began, steps = time.monotonic(), 0
    while True:
        for batch in loader:
            spent = (time.monotonic() - began) / limit_s
            if spent >= 1:
                return steps, time.monotonic() - began
            for group in optimizer.param_groups:
                group["lr"] = LR * (1 + math.cos(math.pi * spent)) / 2
            optimizer.zero_grad()
            loss = criterion(network(batch["image"].to(DEVICE)), batch["label"].to(DEVICE))
            loss.backward()
            optimizer.step()
            steps += 1


def transforms(content: dict[str, Any], *, training: bool) -> Compose:
    dims, regions = content["spatial_dims"], list(content["regions"].values())
    both = ("image", "label") if training else ("image",)

    def masks(label: Tensor) -> Tensor:
        first = label[:1]
        if dims == 2:
            return (first > first.max() / 2).float()  # files hold 0 and 1, or 0 and 255
        return torch.cat([sum(first == value for value in region).float() for region in regions])

    steps = [LoadImaged(both), EnsureChannelFirstd(both)]
    if training:
        steps.append(Lambdad("label", masks))
    if dims == 2:
        steps.append(ScaleIntensityRanged("image", 0, 255, 0, 1))
        steps.append(Resized(both, PICTURE, mode=["bilinear", "nearest"][: len(both)]))
    else:
        steps.append(NormalizeIntensityd("image", nonzero=True, channel_wise=True))
    if training:
        if dims == 3:
            steps.append(SpatialPadd(both, PATCH))
            steps.append(RandSpatialCropd(both, PATCH, random_size=False))
        steps += [RandFlipd(both, prob=0.5, spatial_axis=axis) for axis in range(dims)]
        steps.append(RandScaleIntensityd("image", factors=0.1, prob=1.0))
        steps.append(RandShiftIntensityd("image", offsets=0.1, prob=1.0))
    return Compose(steps)


@torch.no_grad()
def predict(network: nn.Module, content: dict[str, Any], out: Path) -> None:
    """Masks on the files' own grids."""
    network.eval()
    dims = content["spatial_dims"]
    ready = transforms(content, training=False)
    for case in content["test"]:
        item = ready({"image": case["image"]})
        image = item["image"][None].to(DEVICE)
        if dims == 2:
            save_picture(network(image).cpu(), case["image"], out / f"{case['id']}.png")
        else:
            logits = sliding_window_inference(image, PATCH, 1, network, overlap=0.5)
            save_volume(logits[0].cpu(), item["image"], content, out, case["id"])


def save_picture(logits: Tensor, source: str, path: Path) -> None:
    with Image.open(source) as picture:
        width, height = picture.size
    # MONAI reads pictures as (width, height).
    whole = nn.functional.interpolate(logits, (width, height), mode="bilinear")
    mask = (whole[0, 0] > 0).numpy().T
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)


def save_volume(
    logits: Tensor, image: Tensor, content: dict[str, Any], out: Path, name: str
) -> None:
    """Paint regions from the largest to the smallest, each by the value that is its own."""
    labels = torch.zeros(logits.shape[1:], dtype=torch.uint8)
    for found, own in zip(logits > 0, own_values(content["regions"].values()), strict=True):
        labels[found] = own
    save = SaveImage(out, output_postfix="", separate_folder=False, output_dtype=np.uint8)
    meta = {**image.meta, "filename_or_obj": f"{name}.nii.gz"}
    save(labels[None], meta_data=meta)


if __name__ == "__main__":
    main()
