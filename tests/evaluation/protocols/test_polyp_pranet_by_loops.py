"""Every measure of `polyp-pranet` against a second, slow implementation, written for reading.

It goes pixel by pixel and threshold by threshold through the published rules and shares nothing
with the package. 1e-12 is for the order of sums.
"""

import math

import numpy as np
import pytest

from inspire_med.evaluation.protocols.polyp_pranet import POLYP_PRANET

EPS = 2.220446049250313e-16


def cases():
    """Small pictures of odd sizes with maps of 8 bits.

    The nearest foreground pixel of every background pixel is the only one, or its error is that of
    its rivals: what the rules leave open cannot show.
    """
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, size=(9, 13))
    left = np.zeros((9, 13), dtype=bool)
    left[:, :4] = True
    pixel = np.zeros((9, 13), dtype=bool)
    pixel[8, 12] = True
    speckled = rng.random((9, 13)) < 0.3
    return {
        "left part": (left, noise),
        "left part, narrow range": (left, 60 + noise // 4),
        "right part": (left[:, ::-1], noise),
        "one pixel in the corner": (pixel, noise),
        "one pixel, perfect": (pixel, 255 * pixel),
        "speckled, one grey on it": (speckled, np.where(speckled, 170, noise)),
        "speckled, opposite": (speckled, 255 * ~speckled),
        "constant map": (left, np.full((9, 13), 100)),
        "black map": (left, np.zeros((9, 13), dtype=int)),
        "white map": (left, np.full((9, 13), 255)),
        "full reference": (np.ones((9, 13), dtype=bool), noise),
        "empty reference": (np.zeros((9, 13), dtype=bool), noise),
        "empty reference, black map": (np.zeros((9, 13), dtype=bool), np.zeros((9, 13), dtype=int)),
        "one row": (left[:1], noise[:1]),
    }


@pytest.mark.parametrize("name", cases())
def test_agrees_with_the_rules_taken_literally(name):
    mask, levels = cases()[name]

    result = POLYP_PRANET.score(mask, levels / 255)

    expected = slowly(mask.tolist(), levels.tolist())
    assert result.measures == pytest.approx(expected, abs=1e-12, nan_ok=True)


def slowly(mask, levels):
    truth = [bool(value) for row in mask for value in row]
    width = len(mask[0])
    grey = [level / 255 for row in levels for level in row]
    low, high = min(grey), max(grey)
    if low < high:
        grey = [(value - low) / (high - low) for value in grey]
    quantised = [int(value * 255) for value in grey]
    at_thresholds = [
        slow_overlap(truth, [value >= level for value in quantised]) for level in range(256)
    ]
    e_values = [slow_e(truth, [value >= level for value in quantised]) for level in range(256)]
    adaptive = min(2 * mean(grey), 1)
    half = [value > 0.5 for value in grey]
    tp = sum(t and h for t, h in zip(truth, half, strict=True))
    total = sum(truth) + sum(half)
    return {
        "mean_dice": mean([each["dice"] for each in at_thresholds]),
        "mean_iou": mean([each["iou"] for each in at_thresholds]),
        "weighted_f": slow_weighted_f(truth, grey, width),
        "s_measure": slow_s(truth, grey, width),
        "mean_e": mean(e_values),
        "adaptive_e": slow_e(truth, [value >= adaptive for value in grey]),
        "mae": mean([abs(g - t) for g, t in zip(grey, truth, strict=True)]),
        "mean_recall": mean([each["recall"] for each in at_thresholds]),
        "mean_specificity": mean([each["specificity"] for each in at_thresholds]),
        "dice@0.5": 2 * tp / total if total else 1,
        "iou@0.5": tp / (total - tp) if total else 1,
    }


def mean(values):
    return math.fsum(values) / len(values)


def slow_overlap(truth, answer):
    pairs = list(zip(truth, answer, strict=True))
    tp, fp = pairs.count((True, True)), pairs.count((False, True))
    fn, tn = pairs.count((True, False)), pairs.count((False, False))
    if tp == 0:
        return {"dice": 0, "iou": 0, "recall": 0, "specificity": 0}
    return {
        "dice": 2 * tp / (2 * tp + fp + fn),
        "iou": tp / (tp + fp + fn),
        "recall": tp / (tp + fn),
        "specificity": tn / (tn + fp) if tn + fp else math.nan,
    }


def slow_e(truth, answer):
    denominator = len(truth) - 1 + EPS
    if not any(truth):
        return sum(not a for a in answer) / denominator
    if all(truth):
        return sum(answer) / denominator
    truth_mean, answer_mean = mean(truth), mean(answer)
    total = 0
    for t, a in zip(truth, answer, strict=True):
        x, y = t - truth_mean, a - answer_mean
        phi = 2 * x * y / (x * x + y * y + EPS)
        total += (phi + 1) ** 2 / 4
    return total / denominator


def slow_s(truth, grey, width):
    if not any(truth):
        return 1 - mean(grey)
    if all(truth):
        return mean(grey)
    share = mean(truth)
    inside = [g for g, t in zip(grey, truth, strict=True) if t]
    outside = [1 - g for g, t in zip(grey, truth, strict=True) if not t]
    object_part = share * slow_object(inside) + (1 - share) * slow_object(outside)
    return max(0, 0.5 * object_part + 0.5 * slow_region_part(truth, grey, width))


def slow_object(values):
    m = mean(values)
    n = len(values)
    sd = math.sqrt(sum((v - m) ** 2 for v in values) / (n - 1)) if n > 1 else 0
    return 2 * m / (m * m + 1 + sd + EPS)


def slow_region_part(truth, grey, width):
    places = [divmod(place, width) for place, t in enumerate(truth) if t]
    row_cut = math.floor(mean([row + 1 for row, _ in places]) + 0.5)
    column_cut = math.floor(mean([column + 1 for _, column in places]) + 0.5)
    quadrants = {}
    for place, (t, g) in enumerate(zip(truth, grey, strict=True)):
        row, column = divmod(place, width)
        quadrants.setdefault((row < row_cut, column < column_cut), []).append((t, g))
    return sum(len(each) / len(truth) * slow_quadrant(each) for each in quadrants.values())


def slow_quadrant(pixels):
    n = len(pixels)
    y, x = (mean(values) for values in zip(*pixels, strict=True))
    if len({g for _, g in pixels}) == 1:
        x = pixels[0][1]  # the mean of equal values, to the last digit
    vx = sum((g - x) ** 2 for _, g in pixels) / (n - 1 + EPS)
    vy = sum((t - y) ** 2 for t, _ in pixels) / (n - 1 + EPS)
    vxy = sum((g - x) * (t - y) for t, g in pixels) / (n - 1 + EPS)
    alpha, beta = 4 * x * y * vxy, (x * x + y * y) * (vx + vy)
    if alpha != 0:
        return alpha / (beta + EPS)
    return 1 if beta == 0 else 0


def slow_weighted_f(truth, grey, width):
    if not any(truth):
        return 0
    height = len(truth) // width
    error = {divmod(p, width): abs(g - t) for p, (g, t) in enumerate(zip(grey, truth, strict=True))}
    inside = {divmod(p, width) for p, t in enumerate(truth) if t}
    distance, carried = {}, {}
    for place in error:
        nearest = min(inside, key=lambda other: math.dist(place, other))
        distance[place], carried[place] = math.dist(place, nearest), error[nearest]
    kernel = {(r, c): math.exp(-(r * r + c * c) / 50) for r in range(-3, 4) for c in range(-3, 4)}
    whole = sum(kernel.values())
    weighted = {}
    for row in range(height):
        for column in range(width):
            place = row, column
            blurred = sum(
                weight / whole * carried.get((row + r, column + c), 0)
                for (r, c), weight in kernel.items()
            )
            if place in inside:
                weighted[place] = min(error[place], blurred)
            else:
                factor = 2 - math.exp(math.log(0.5) / 5 * distance[place])
                weighted[place] = error[place] * factor
    missed = sum(weighted[place] for place in inside)
    alarms = sum(weighted[place] for place in weighted.keys() - inside)
    hits = len(inside) - missed
    recall, precision = 1 - missed / len(inside), hits / (EPS + hits + alarms)
    return 2 * recall * precision / (EPS + recall + precision)
