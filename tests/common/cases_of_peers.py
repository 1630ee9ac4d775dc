"""Values that the unit tests of other toolkits expect, as tables of masks and numbers.

Sources: surface-distance (google-deepmind, commit 1f805ce), surface_distance_test.py; MONAI (commit
d388d1c), tests/metrics/test_{hausdorff_distance,surface_distance,surface_dice,compute_meandice,
compute_meaniou,compute_confusion_matrix}.py. The masks and numbers are facts of theirs, the words
ours. Left out: what no protocol here offers (chessboard and taxicab distances, surface means by
area), errors on wrong arguments, and means over cases, which follow from the cases.

Of the measures, those that begin with `area` are of surface elements, the other distances of border
voxels; `there` is from the prediction to the reference.
"""

import math
from functools import cache

import numpy as np

UNDEFINED = math.nan


def boxes(shape, *corners):
    """A mask of boxes, each by slices."""
    mask = np.zeros(shape, bool)
    for corner in corners:
        mask[corner] = True
    return mask


@cache
def ball(radius, centre, spacing=(1.0, 1.0, 1.0)):
    """What lies within `radius` mm of a place in 99 x 99 x 99 voxels."""
    places = np.ogrid[:99, :99, :99]
    squares = (
        (axis * size - at) ** 2 for axis, size, at in zip(places, spacing, centre, strict=True)
    )
    return sum(squares) <= radius**2


def rows(text):
    return np.array([[each == "1" for each in row] for row in text.split()])


S = np.s_
FLAT, DEEP = (128, 128), (128, 128, 128)
NOTHING = boxes((99, 99, 99))
TEST_MM = (0.85, 1.2, 0.9)
TWICE = (ball(20, (20, 33, 22)), ball(40, (20, 33, 22)))
FIRST = boxes((480, 640), S[:, 50:]), boxes((480, 640), S[:, 60:])
LAYERS = boxes((200, 110, 80), S[:, :, 20:]), boxes((200, 110, 80), S[:, :, 30:])
BARS = boxes((10, 10), S[1:4, 1]), boxes((10, 10), S[5:8, 6])
SQUARES = boxes((80, 80), S[10:20, 10:20]), boxes((80, 80))

# Name: (prediction, reference, spacing, {measure: what they expect}).
SURFACE_DISTANCE = {
    "two pixels": (boxes(FLAT, S[50, 72]), boxes(FLAT, S[50, 70]), (2, 1),
                   {"area hd100": 2, "area hd95": 2, "area nsd@1": 0.5, "dice": 0}),
    # of G's outline, 4 diagonals + 2 + 4, all within 1 mm; of P's, 4 diagonals + 2 + 8 without
    # two diagonals and 1; a diagonal is sqrt(5) / 2
    "two squares": (boxes((6, 6), S[1:4, 1:3]), boxes((6, 6), S[1:3, 1:3]), (2, 1),
                    {"area hd100": 2, "area hd95": 2, "dice": 0.8,
                     "area nsd@1": 1 - (math.sqrt(5) + 1) / (4 * math.sqrt(5) + 16)}),
    "flat, P empty": (boxes(FLAT), boxes(FLAT, S[50, 60]), (3, 2),
                      {"area hd100": math.inf, "area hd95": math.inf, "area nsd@1": 0, "dice": 0}),
    "flat, G empty": (boxes(FLAT, S[50, 60]), boxes(FLAT), (3, 2),
                      {"area hd100": math.inf, "area hd95": math.inf, "area nsd@1": 0, "dice": 0}),
    "flat, both empty": (boxes(FLAT), boxes(FLAT), (3, 2),
                         {"area hd100": math.inf, "area hd95": math.inf,
                          "area nsd@1": UNDEFINED, "dice": UNDEFINED}),
    "two voxels": (boxes(DEEP, S[50, 60, 72]), boxes(DEEP, S[50, 60, 70]), (3, 2, 1),
                   {"area hd100": 2, "area hd95": 2, "area nsd@1": 0.5, "dice": 0}),
    "two cubes": (boxes((100, 100, 100), S[:51]), boxes((100, 100, 100), S[:50]), (2, 1, 1),
                  {"area hd100": 2, "area hd95": 2, "area nsd@1": 0.836, "dice": 0.990}),
    "deep, P empty": (boxes(DEEP), boxes(DEEP, S[50, 60, 70]), (3, 2, 1),
                      {"area hd100": math.inf, "area hd95": math.inf, "area nsd@1": 0, "dice": 0}),
    "deep, G empty": (boxes(DEEP, S[50, 60, 72]), boxes(DEEP), (3, 2, 1),
                      {"area hd100": math.inf, "area hd95": math.inf, "area nsd@1": 0, "dice": 0}),
    "deep, both empty": (boxes(DEEP), boxes(DEEP), (3, 2, 1),
                         {"area hd100": math.inf, "area hd95": math.inf,
                          "area nsd@1": UNDEFINED, "dice": UNDEFINED}),
}  # fmt: skip
MONAI_DISTANCES = {
    "one ball": (ball(20, (49, 49, 49)), ball(20, (49, 49, 49)), (1, 1, 1),
                 {"there hd100": 0, "hd100": 0, "assd": 0, "there mean": 0}),
    "a ball moved along three axes": (ball(20, (20,) * 3), ball(20, (19,) * 3), (1, 1, 1),
                                      {"there hd100": math.sqrt(3), "hd100": math.sqrt(3)}),
    "a ball moved along one": (ball(33, (19, 33, 22)), ball(33, (20, 33, 22)), (1, 1, 1),
                               {"there hd100": 1, "hd100": 1,
                                "assd": 0.350217, "there mean": 0.34832788}),
    "a ball in a larger one": (*TWICE, (1, 1, 1),
                               {"there hd100": 20.09975124, "hd100": 20.22374842,
                                "there hd95": 19.92485885, "hd95": 20.09975124,
                                "assd": 15.117741, "there mean": 12.04003351}),
    "P empty": (NOTHING, TWICE[1], (1, 1, 1), {"there hd100": math.inf, "hd100": math.inf,
                                               "assd": math.inf, "there mean": math.inf}),
    "G empty": (ball(20, (49, 49, 49)), NOTHING, (1, 1, 1),
                {"there hd100": math.inf, "hd100": math.inf}),
    "both empty": (NOTHING, NOTHING, (1, 1, 1), {"hd100": UNDEFINED, "assd": UNDEFINED}),
    "both empty, spaced": (NOTHING, NOTHING, TEST_MM, {"hd100": UNDEFINED, "assd": UNDEFINED}),
    "moved along three axes, spaced": (ball(20, (20,) * 3, TEST_MM), ball(20, (19,) * 3, TEST_MM),
                                       TEST_MM, {"there hd100": 2.08086514, "hd100": 2.2671568}),
    "in a larger one, spaced": (ball(15, (20, 33, 22), TEST_MM), ball(30, (20, 33, 22), TEST_MM),
                                TEST_MM, {"there hd100": 15.439641, "hd100": 15.62594}),
    "moved along one, spaced": (ball(33, (42, 45, 52), TEST_MM), ball(33, (43, 45, 52), TEST_MM),
                                TEST_MM, {"assd": 0.4951, "there mean": 0.4951}),
}  # fmt: skip
MONAI_SURFACES = {
    "moved by 10 pixels": (*FIRST, (1, 1),
                           {"nsd@0": 1 - 976 / 4252, "nsd@10": 1, "nsd@11": 1}),
    "moved by 10 pixels of 1.2 mm": (*FIRST, (0.85, 1.2),
                                     {"nsd@0": 1 - 976 / 4252, "nsd@12": 1, "nsd@13": 1}),
    "the same, outside": (*(~each for each in FIRST), (1, 1), {"nsd@0": 1 - 976 / 2132}),
    "moved by 10 layers": (*LAYERS, (1, 1, 1),
                           {"nsd@0": 1 - 48928 / (88000 + 212 * 308), "nsd@10": 1, "nsd@11": 1}),
    "layers, outside": (*(~each for each in LAYERS), (1, 1, 1),
                        {"nsd@0": 1 - 48928 / (88000 + 92 * 308)}),
    "two bars": (*BARS, (1, 1), {"nsd@0": 0, "nsd@5.5": 1 - 4 / 6, "nsd@6": 1 - 2 / 6}),
    "around two bars": (*(~each for each in BARS), (1, 1),
                        {"nsd@0": 1 - 12 / 84, "nsd@2.8": 1 - 3 / 84, "nsd@3": 1 - 1 / 84}),
    "surface, P empty": (SQUARES[1], SQUARES[0], (1, 1), {"nsd@1": 0}),
    "surface, G empty": (*SQUARES, (1, 1), {"nsd@1": 0}),
    "surface, both empty": (SQUARES[1], SQUARES[1], (1, 1), {"nsd@1": UNDEFINED}),
    "one pixel, both empty": (boxes((1, 1)), boxes((1, 1)), (1, 1), {"nsd@1": UNDEFINED}),
    "voxels 2 mm apart": (boxes(DEEP, S[50, 60, 72]), boxes(DEEP, S[50, 60, 70]), (3, 2, 1),
                          {"area nsd@1": 0.5}),
    "half spaces": (boxes((100, 100, 100), S[:51]), boxes((100, 100, 100), S[:50]), (2, 1, 1),
                    {"area nsd@1": 0.836145}),
    "subvoxels, P empty": (boxes(DEEP), boxes(DEEP, S[50, 60, 70]), (3, 2, 1), {"area nsd@1": 0}),
    "subvoxels, G empty": (boxes(DEEP, S[50, 60, 72]), boxes(DEEP), (3, 2, 1), {"area nsd@1": 0}),
}  # fmt: skip


def counts(tp, fp, tn, fn):
    """From a table of confusion; what has nothing in its denominator is undefined."""
    ratios = {"dice": (2 * tp, 2 * tp + fp + fn), "iou": (tp, tp + fp + fn),
              "recall": (tp, tp + fn), "specificity": (tn, tn + fp),
              "precision": (tp, tp + fp)}  # fmt: skip
    return {name: part / whole if whole else UNDEFINED for name, (part, whole) in ratios.items()}


ONE, ALL, NONE = (1, 1), rows("11 11"), rows("00 00")
MONAI_OVERLAPS = {
    "three of four": (rows("10 01"), rows("10 11"), ONE, {"dice": 0.8, "iou": 2 / 3}),
    "first, channel 0": (rows("01 00"), rows("00 01"), ONE, counts(0, 1, 2, 1)),
    "first, channel 1": (rows("00 11"), rows("10 10"), ONE, counts(1, 1, 1, 1)),
    "first, channel 2": (rows("10 00"), rows("01 00"), ONE, counts(0, 1, 2, 1)),
    "second, channel 0": (rows("00 01"), rows("00 01"), ONE, counts(1, 0, 3, 0)),
    "second, channel 1": (rows("10 00"), rows("11 00"), ONE, counts(1, 0, 2, 1)),
    "second, channel 2": (rows("01 10"), rows("00 10"), ONE, counts(1, 1, 2, 0)),
    "all, P empty": (NONE, ALL, ONE, {"dice": 0, "iou": 0, "recall": 0,
                                      "specificity": UNDEFINED}),
    "half, P empty": (NONE, rows("01 10"), ONE, {"dice": 0, "iou": 0, "recall": 0,
                                                 "specificity": 1}),
    "2 x 2, both empty": (NONE, NONE, ONE, {"dice": UNDEFINED, "iou": UNDEFINED,
                                            "recall": UNDEFINED, "specificity": 1}),
    "2 x 2, G empty": (ALL, NONE, ONE, {"dice": UNDEFINED, "iou": UNDEFINED,
                                        "recall": UNDEFINED, "specificity": 0}),
    "three of all": (rows("11 10"), ALL, ONE, {"dice": 6 / 7, "iou": 3 / 4}),
    "one of three": (rows("10 11"), rows("00 01"), ONE, {"dice": 1 / 2, "iou": 1 / 3}),
    "one of four": (rows("01 11"), rows("11 00"), ONE, {"dice": 2 / 5, "iou": 1 / 4}),
    "one of two": (rows("01 10"), rows("00 10"), ONE, {"dice": 2 / 3, "iou": 1 / 2}),
    "3 x 3, all": (boxes((3, 3), S[:]), boxes((3, 3), S[:]), ONE, {"dice": 1, "iou": 1}),
    "3 x 3, both empty, counted": (boxes((3, 3)), boxes((3, 3)), ONE, {"dice": 1, "iou": 1}),
    "3 x 3, G empty, counted": (boxes((3, 3), S[:]), boxes((3, 3)), ONE, {"dice": 0, "iou": 0}),
}  # fmt: skip
CASES = SURFACE_DISTANCE | MONAI_DISTANCES | MONAI_SURFACES | MONAI_OVERLAPS

# What ours is where theirs differs: of empty masks alone; docs/protocols.md tells why.
OURS = {
    ("flat, both empty", "area hd100"): 0,
    ("flat, both empty", "area hd95"): 0,
    ("flat, both empty", "area nsd@1"): 1,
    ("flat, both empty", "dice"): 1,
    ("deep, both empty", "area hd100"): 0,
    ("deep, both empty", "area hd95"): 0,
    ("deep, both empty", "area nsd@1"): 1,
    ("deep, both empty", "dice"): 1,
    ("both empty", "hd100"): 0,
    ("both empty", "assd"): 0,
    ("both empty, spaced", "hd100"): 0,
    ("both empty, spaced", "assd"): 0,
    ("surface, both empty", "nsd@1"): 1,
    ("one pixel, both empty", "nsd@1"): 1,
    ("2 x 2, both empty", "dice"): 1,
    ("2 x 2, both empty", "iou"): 1,
    ("2 x 2, both empty", "recall"): 1,
    ("2 x 2, G empty", "dice"): 0,
    ("2 x 2, G empty", "iou"): 0,
    ("2 x 2, G empty", "recall"): 0,
}
