"""A case's mask by the networks beside this file, with numpy and RUNTIME alone.

python predict.py --output mask.nii.gz flair=a.nii.gz t1=b.nii.gz ...     volumes, on one grid
python predict.py --output mask.png picture.png                           or .npy, 0-255
"""

import argparse
import gzip
import hashlib
import itertools
import json
import math
import struct
from functools import reduce
from pathlib import Path

import numpy as np
# RUNTIME: how a network is read and asked

HERE, ONE = Path(__file__).parent, 65534
HOW = json.loads((HERE / "settings.json").read_text())
TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}


def read_volume(path):
    """Voxels (i, j, k), the affine to RAS+ mm, and the header's bytes."""
    raw = (gzip.open if path.endswith(".gz") else open)(path, "rb").read()
    end = "<" if raw[:4] == struct.pack("<i", 348) else ">"
    if raw[344:347] != b"n+1":
        raise SystemExit(f"{path}: no NIfTI-1 file.")
    get = lambda kind, place, n: np.frombuffer(raw, end + kind, n, place)
    rank, *shape = get("i2", 40, 8)
    if (qform_sform := get("i2", 252, 2)).max() < 1 or any(n > 1 for n in shape[3:rank]):
        raise SystemExit(f"{path}: says nowhere where it lies, or is no volume.")
    values = get(
        TYPES[int(get("i2", 70, 1)[0])], int(get("f4", 108, 1)[0]), math.prod(map(int, shape[:3]))
    )
    slope, intercept = map(float, get("f4", 112, 2))
    if slope not in (0, 1) or (slope and intercept):
        values = values.astype(np.float64) * slope + intercept
    size = get("f4", 76, 4).astype(float)
    if qform_sform[1] > 0:
        affine = np.vstack([get("f4", 280, 12).reshape(3, 4), [0, 0, 0, 1]]).astype(float)
    else:
        b, c, d, *offset = get("f4", 256, 6).astype(float)
        a = math.sqrt(max(0, 1 - b * b - c * c - d * d))
        turned = [[a*a+b*b-c*c-d*d, 2*(b*c-a*d), 2*(b*d+a*c)], [2*(b*c+a*d), a*a+c*c-b*b-d*d, 2*(c*d-a*b)],
                  [2*(b*d-a*c), 2*(c*d+a*b), a*a+d*d-b*b-c*c]]  # fmt: skip
        affine = np.eye(4)
        affine[:3] = np.c_[turned * np.r_[size[1:3], size[3] * (size[0] or 1)], offset]
    return values.reshape(shape[:3], order="F").astype(np.float32), affine, raw[:348]


def turn_of(affine, codes):
    """For each axis of the network's view: which of the file's, and whether it is mirrored."""
    u, _, v = np.linalg.svd(affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))
    left, own = u @ v, {}
    for axis in range(3):
        out = int(np.abs(left[:, axis]).argmax())
        own[out], left[out] = (axis, left[out, axis] < 0), 0
    wanted = [("RLAPIS".index(code) // 2, code in "LPI") for code in codes]
    return [own[w][0] for w, _ in wanted], [i for i, (w, m) in enumerate(wanted) if own[w][1] != m]


def resize(volume, size):
    """Linearly, voxels are cells; smoothed first along axes that shrink."""
    for axis in sorted(range(3), key=lambda axis: size[axis] / volume.shape[axis]):
        n, side = volume.shape[axis], size[axis]
        if n != side:
            matrix = np.eye(n)
            if n > side and n >= 4:
                apart = np.arange(n)[:, None] - np.arange(-4 * n, 5 * n)
                blur = np.exp(-(apart**2) * 6 / ((n / side) ** 2 - 1))
                matrix = np.zeros((n, n))
                np.add.at(matrix.T, np.clip(np.arange(-4 * n, 5 * n), 0, n - 1), blur.T)
                matrix /= matrix.sum(1, keepdims=True)
            places = np.clip((np.arange(side) + 0.5) * n / side - 0.5, 0, n - 1)
            low = np.minimum(places.astype(int), max(n - 2, 0))
            share = (places - low)[:, None]
            matrix = matrix[low] * (1 - share) + matrix[np.minimum(low + 1, n - 1)] * share
            volume = np.moveaxis(
                np.tensordot(matrix.astype(np.float32), volume, (1, axis)), 0, axis
            )
    return volume


def resize_plane(plane, size):
    """As Pillow: a triangle as wide as the pixels that it makes; bytes stay bytes."""
    for axis in (1, 0):
        n, side = plane.shape[axis], size[axis]
        if n != side:
            width = max(n / side, 1)
            centres = (np.arange(side)[:, None] + 0.5) * n / side
            near = np.abs(np.arange(n) + 0.5 - centres) < width + 0.5
            weights = np.clip(1 - np.abs(np.arange(n) + 0.5 - centres) / width, 0, None) * near
            weights /= weights.sum(1, keepdims=True)
            moved = np.moveaxis(np.tensordot(weights, plane.astype(float), (1, axis)), 0, axis)
            plane = (
                np.floor(moved + 0.5).astype("u1") if plane.dtype == "u1" else moved.astype("f4")
            )
    return plane


def normalise(x, name, inside, statistics):
    scheme = HOW["intensity"]
    if scheme in ("ct", "fixed"):
        known = statistics[name]
        x = np.clip(x, known["low"], known["high"]) if scheme == "ct" else x
        return ((x - known["mean"]) / (known["sd"] or 1)).astype(np.float32)
    if scheme == "none":
        return x.astype(np.float32)
    x = np.where(inside, x, np.float32(0)) if scheme == "mri" else x.astype(np.float32)
    held = x != 0 if scheme == "mri" else np.ones(x.shape, bool)
    if held.any():
        x[held] = (x[held] - x[held].mean()) / (x[held].std() or 1)
    return x


def starts_of(voxels, side):
    count = 1 + math.ceil((voxels - side) / max(side - math.ceil(side * HOW["overlap"]), 1))
    return [round((voxels - side) * i / max(count - 1, 1)) for i in range(count)]


def shares_of(ask, image, regions):
    """Sliding windows with Gaussian weights; probabilities as whole numbers up to ONE."""
    least = HOW["patch_size"] if HOW["fixed_size"] else HOW["least"]
    after = [max(side - n, 0) for side, n in zip(least, image.shape[1:])]
    image = np.pad(image, [(0, 0), *((0, n) for n in after)])  # too small a case stands in zeros
    size = [min(p, n) for p, n in zip(HOW["patch_size"], image.shape[1:])]
    starts = [starts_of(n, s) for n, s in zip(image.shape[1:], size)]
    axes = [np.ones(s) if len(at) == 1 else np.exp(-(((np.arange(s) - (s - 1) / 2) / (s / 8)) ** 2) / 2)
            for s, at in zip(size, starts)]  # fmt: skip
    weight = reduce(np.multiply.outer, axes).astype(np.float32)
    total, sums = np.zeros((regions, *image.shape[1:]), "f4"), np.zeros(image.shape[1:], "f4")
    for corner in itertools.product(*starts):
        box = tuple(slice(c, c + s) for c, s in zip(corner, size))
        part = image[(slice(None), *box)]
        air = all((channel == channel.flat[0]).all() for channel in part)
        total[(slice(None), *box)] += (
            -20 if air else ask(np.ascontiguousarray(part[None]))[0]
        ) * weight
        sums[box] += weight
    return np.rint(ONE / (1 + np.exp(-(total / sums).clip(-80, 80))))


def paint(masks, regions):
    """Regions from the largest to the smallest, each only inside of those around it."""
    groups = [set(values) for values in regions.values()]
    labels = np.zeros(masks[0].shape, np.uint8)
    for i in sorted(range(len(groups)), key=lambda i: -len(groups[i])):
        inner = [g for g in groups if g < groups[i]]
        mask = reduce(
            np.logical_and, [masks[j] for j, g in enumerate(groups) if g > groups[i]], masks[i]
        )
        labels[mask] = min(groups[i].difference(*inner) or groups[i])
    return labels


def predict(planes, names, turned, resized, spacing):
    """From channels on the file's grid to labels on it."""
    axes, flipped = turned
    seen = [np.flip(plane.transpose(axes), flipped) for plane in planes]
    if spacing is None and HOW["image_size"]:
        seen = [resized(plane, HOW["image_size"]) for plane in seen]
    inside = (
        reduce(np.logical_or, [plane != 0 for plane in seen])
        if HOW["intensity"] == "mri"
        else np.ones(seen[0].shape, bool)
    )
    box = tuple(slice(0, n) for n in inside.shape)
    if spacing is not None and HOW["crop_to_foreground"] and inside.any():
        box = tuple(slice(p.min(), p.max() + 1) for p in np.nonzero(inside))
    kept = size = [b.stop - b.start for b in box]
    if spacing is not None and HOW["spacing_mm"]:
        size = [
            max(round(n * s / w), 1)
            for n, s, w in zip(kept, np.array(spacing)[axes], HOW["spacing_mm"])
        ]
    mean = None
    for number, member in enumerate(HOW["members"]):
        image = [
            normalise(plane[box], name, inside[box], member["statistics"])
            for plane, name in zip(seen, names)
        ]
        image = np.stack([resized(plane, size) for plane in image])
        own = shares_of(network(HERE / member["file"]), image, len(HOW["regions"]))
        own = own[(slice(None), *(slice(0, n) for n in size))]
        mean = own if mean is None else np.rint(mean + (own - mean) / (number + 1))
    view, masks = tuple(planes[0].shape[axis] for axis in axes), []
    if spacing is None:
        kept, box = view, tuple(slice(0, n) for n in view)
    for share, threshold in zip(mean, HOW["thresholds"]):
        mask = np.zeros(view, bool)
        prob = (
            resized((share / ONE).astype(np.float32), kept)
            if list(kept) != list(size) or spacing is None
            else share / ONE
        )
        mask[box] = prob > threshold
        masks.append(np.flip(mask, flipped).transpose(np.argsort(axes)))
    return paint(masks, HOW["regions"])


def run():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="NAME=FILE for each channel, or one picture")
    parser.add_argument("--output", required=True)
    asked = parser.parse_args()
    for name, wanted in HOW["sha256"].items():
        if hashlib.sha256((HERE / name).read_bytes()).hexdigest() != wanted:
            raise SystemExit(f"{HERE / name}: altered (its sha256 differs).")
    (of_a_picture if len(HOW["patch_size"]) == 2 else of_volumes)(asked.files, asked.output)


def of_a_picture(files, output):
    picture = np.load(files[0]) if files[0].endswith(".npy") else read_picture(files[0])
    planes = list(np.moveaxis(picture, -1, 0))
    labels = predict(planes, HOW["channels"], ([0, 1], []), resize_plane, None)
    if output.endswith(".npy"):
        np.save(output, labels)
    else:
        black = {v for group in HOW["regions"].values() for v in group} <= {1}
        write_picture(output, labels * 255 if black else labels)


def of_volumes(given, output):
    files, names = dict(one.split("=", 1) for one in given), HOW["channels"]
    if wrong := set(names) ^ files.keys():
        raise SystemExit(f"{', '.join(wrong)}: give NAME=FILE of each of {', '.join(names)}.")
    volumes = [read_volume(files[name]) for name in names]
    first, affine, header = volumes[0]
    if any(v.shape != first.shape or not np.allclose(a, affine, atol=1e-2) for v, a, _ in volumes):
        raise SystemExit("the channels lie on several grids, or several ways; resample to one.")
    turned = turn_of(affine, HOW["orientation"]) if HOW["orientation"] else ([0, 1, 2], [])
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    write_volume(
        output, predict([v for v, _, _ in volumes], names, turned, resize, spacing), header
    )


def read_picture(path):
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def write_picture(path, labels):
    from PIL import Image

    Image.fromarray(labels).save(path)


def write_volume(path, labels, header):
    """Bytes beside the header of the first channel, whose place it keeps."""
    end = "<" if header[:4] == struct.pack("<i", 348) else ">"
    head = bytearray(header)
    struct.pack_into(end + "hh", head, 70, 2, 8)
    struct.pack_into(end + "fff", head, 108, 352, 1, 0)
    with (gzip.open if path.endswith(".gz") else open)(path, "wb") as file:
        file.write(bytes(head) + bytes(4) + labels.tobytes(order="F"))


if __name__ == "__main__":
    run()
