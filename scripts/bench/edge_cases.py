"""Edge cases of the protocols: values worked out by hand beside the project's.

    python scripts/bench/edge_cases.py

Prints a Markdown table; the exit status is 1 if a value differs by more than 1e-9.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspire_med.evaluation import evaluate_case

GLI = "brats2023-gli"
ANYTHING = {"WT": (1,), "TC": (2,), "ET": (3,)}


@dataclass(frozen=True)
class Edge:
    """A case, and what its measures must be by hand."""

    what: str
    protocol: str
    reference: NDArray
    prediction: NDArray
    by_hand: dict[str, float]
    spacing_mm: tuple[float, ...] = (1.0, 1.0, 1.0)


def volume(*boxes: tuple[slice, ...], shape: tuple[int, ...] = (20, 20, 80)) -> NDArray[np.uint8]:
    labels = np.zeros(shape, dtype=np.uint8)
    for box in boxes:
        labels[box] = 1
    return labels


def bar(start: int, stop: int, wide: int = 4) -> tuple[slice, ...]:
    """A bar along the last axis, `wide` voxels in the others."""
    return slice(4, 4 + wide), slice(4, 4 + wide), slice(start, stop)


def empty_masks() -> Iterator[Edge]:
    nothing, something = volume(), volume(bar(10, 14))  # 64 voxels
    missed = {"dice": 0, "hd95_mm": 374, "lesionwise_dice": 0, "lesionwise_hd95_mm": 374}
    agreed = {"dice": 1, "hd95_mm": 0, "lesionwise_dice": 1, "lesionwise_hd95_mm": 0}
    yield Edge("both empty", GLI, nothing, nothing, agreed)
    yield Edge("G empty, P a lesion", GLI, nothing, something, {**missed, "lesions_fp": 1})
    yield Edge("P empty, G a lesion", GLI, something, nothing, {**missed, "lesions_fn": 1})
    yield Edge("P empty", "brats2021", something, nothing, {"hd95_mm": math.sqrt(139225)})
    yield Edge("both empty", "isles2022", nothing, nothing, {"dice": 1, "lesion_f1": 1})
    yield Edge(
        "G empty, P a lesion",
        "isles2022",
        nothing,
        something,
        {
            "dice": 0,
            "lesion_f1": 0,
            "absolute_volume_difference_ml": 0.064,
            "absolute_lesion_count_difference": 1,
        },
    )
    yield Edge("P empty", "segmentation", something, nothing, {"dice": 0, "hd95_mm": math.inf})


def merged_lesions() -> Iterator[Edge]:
    for gap, lesions in ((6, 1), (7, 2)):
        both = volume(bar(10, 14), bar(14 + gap, 18 + gap))
        yield Edge(f"gap of {gap} voxels, 3 dilations", GLI, both, both, {"lesions_tp": lesions})
    for gap, lesions in ((2, 1), (3, 2)):
        both = volume(bar(10, 14), bar(14 + gap, 18 + gap))
        name = "brats2023-men"
        yield Edge(f"gap of {gap} voxels, 1 dilation", name, both, both, {"lesions_tp": lesions})
    corner = volume((slice(2, 4),) * 3, (slice(4, 6),) * 3)
    yield Edge(
        "two cubes at one corner are one component, P empty",
        "isles2022",
        corner,
        volume(),
        {"absolute_lesion_count_difference": 1},
    )


def thresholds() -> Iterator[Edge]:
    dropped = {"lesionwise_dice": 1, "lesionwise_hd95_mm": 0, "lesions_fn": 0}
    kept = {"lesionwise_dice": 0, "lesionwise_hd95_mm": 374, "lesions_fn": 1}
    line = (slice(4, 5), slice(4, 5))
    exactly, above = volume((*line, slice(0, 50))), volume((*line, slice(0, 51)))
    half = volume((*line, slice(0, 25)))
    yield Edge("missed lesion of exactly 50 mm3", GLI, exactly, volume(), dropped)
    yield Edge("of 51 mm3", GLI, above, volume(), kept)
    yield Edge("of 25 voxels of 2 mm3", GLI, half, volume(), dropped, (2.0, 1.0, 1.0))
    yield Edge("of 25 voxels of 2.1 mm3", GLI, half, volume(), kept, (2.1, 1.0, 1.0))
    yield Edge("of 2 mm3", "brats2023-met", volume((*line, slice(0, 2))), volume(), dropped)


def hits() -> Iterator[Edge]:
    line = (slice(4, 5), slice(4, 5))
    yield Edge(
        "a line of 51 voxels, hit 3 voxels beyond its end",
        GLI,
        volume((*line, slice(0, 51))),
        volume((*line, slice(53, 54))),
        {"lesionwise_dice": 0, "lesionwise_hd95_mm": 50, "lesions_tp": 1, "lesions_fp": 0},
    )
    yield Edge(
        "two lesions of 64 voxels under one bar of 256",
        GLI,
        volume(bar(10, 14), bar(22, 26)),
        volume(bar(10, 26)),
        {"lesionwise_dice": 0.4, "lesions_tp": 2, "lesions_fp": 0},
    )
    two, bridge = (bar(10, 12), bar(16, 18)), bar(10, 18)
    spurious = bar(30, 32), bar(40, 42)
    both = volume(*two), volume(bridge, *spurious)
    yield Edge("a bridge and two spurious", "isles2022", *both, {"lesion_f1": 2 / 3})
    yield Edge("the same, exchanged", "isles2022", *reversed(both), {"lesion_f1": 0.5})


def pairs() -> Iterator[Edge]:
    """Lesions paired one to one: BraTS 2026 and ISLES'24."""
    gli, met, isles = "brats2026-gli", "brats2026-met", "isles2024"
    nothing, something = volume(), volume(bar(10, 14))
    undefined = dict.fromkeys(("dice", "hd95", "lesionwise_dice", "lesion_f1"), math.nan)
    alone = {"dice": 0, "hd95": 373, "lesionwise_hd95": math.inf, "lesion_f1": 0}
    yield Edge("both empty", gli, nothing, nothing, undefined)
    yield Edge("G empty, P a lesion", gli, nothing, something, {**alone, "lesions_fp": 1})
    yield Edge("P empty, G a lesion", gli, something, nothing, {**alone, "lesions_fn": 1})
    large = {"lesionwise_hd95": 373, "large_lesions_fn": 1, "small_lesions_fn": math.nan}
    yield Edge("P empty, G a lesion of 64 mm3", met, something, nothing, large)
    line = (slice(4, 5), slice(4, 5))
    for size, tp in ((20, (1, math.nan)), (19, (math.nan, 1))):
        lesion = volume((*line, slice(0, size)))
        counts = dict(zip(("large_lesions_tp", "small_lesions_tp"), tp, strict=True))
        yield Edge(f"a lesion of {size} mm3, found", met, lesion, lesion, counts)
    lesions, bridge = volume(bar(10, 14), bar(22, 26)), volume(bar(10, 26))
    one = {"lesionwise_dice": 0.4, "lesions_tp": 1, "lesions_fn": 1}
    yield Edge("two lesions of 64 voxels under one bar of 256", gli, lesions, bridge, one)
    two, moved = volume(bar(4, 6, 1)), volume(bar(5, 7, 1))
    apart = {"hd95": 1, "nsd": 0.5, "lesionwise_hd95": 2.5, "lesionwise_nsd": 1}
    yield Edge("two voxels, moved by one of 2.5 mm", gli, two, moved, apart, (2.5, 2.5, 2.5))
    crossed = {"hd95": 1, "lesionwise_hd95": 1}  # the last axis takes the first one's size
    yield Edge("the same, of 1 x 1 x 2.5 mm", gli, two, moved, crossed, (1.0, 1.0, 2.5))
    for length, f1 in ((10, 1), (11, 0)):
        lesion, longer = (volume((*line, slice(0, end))) for end in (2, length))
        yield Edge(f"two voxels under {length}", isles, lesion, longer, {"lesion_f1": f1})
    for length, f1 in ((8, 1), (9, 0)):
        lesion, longer = (volume((*line, slice(0, end))) for end in (2, length))
        yield Edge(f"two voxels under {length}", "isles2026", lesion, longer, {"lesion_f1": f1})
    lesions = volume(bar(10, 12), bar(16, 18))
    bridge = volume(bar(10, 18), bar(30, 32), bar(40, 42))
    yield Edge("a bridge and two spurious", isles, lesions, bridge, {"lesion_f1": 0.4})
    for year, penalty in ((2024, 374), (2025, math.sqrt(7200))):
        name = f"brats{year}-met"
        yield Edge("P empty, G a lesion", name, something, nothing, {"hd95_mm": penalty})


def distances() -> Iterator[Edge]:
    voxel, moved = volume(bar(4, 5, 1)), volume(bar(6, 7, 1))
    for spacing, distance in ((1.0, 2.0), (2.5, 5.0)):
        yield Edge(
            f"a voxel two steps of {spacing} mm away",
            "segmentation",
            voxel,
            moved,
            {"hd95_mm": distance, "assd_mm": distance, "nsd@1mm": 0.5 if distance == 2 else 0},
            (1.0, 1.0, spacing),
        )
    edge = volume((slice(0, 20), slice(0, 20), slice(0, 1)))
    yield Edge("a slice on the volume's border", "segmentation", edge, edge, {"hd95_mm": 0})


def polyps() -> Iterator[Edge]:
    name, flat = "polyp-pranet", (1.0, 1.0)
    square = np.zeros((10, 10), dtype=np.uint8)
    square[2:7, 2:7] = 1
    nothing, everything = np.zeros_like(square), np.ones_like(square)
    perfect = (255 + 2 * 25 / 125) / 256  # at threshold 0 all is foreground
    found = {"mean_dice": perfect, "s_measure": 1, "weighted_f": 1, "mae": 0}
    yield Edge("a perfect map, 25 of 100 pixels", name, square, square * 255, found, flat)
    faint = (100 + 50 * square).astype(np.uint8)
    yield Edge("the same at 100 and 150 of 255", name, square, faint, {"mean_dice": perfect}, flat)
    zero = {"mean_dice": 0, "s_measure": 1, "weighted_f": 0, "mae": 0}
    yield Edge("G empty, map 0", name, nothing, nothing, zero, flat)
    full = {"mean_dice": 1, "s_measure": 1, "mae": 0, "mean_specificity": math.nan}
    yield Edge("G and map the whole picture", name, everything, everything * 255, full, flat)
    lost = {"mean_dice": 1 / 256, "s_measure": 0, "mae": 1}
    yield Edge("G the whole picture, map 0", name, everything, nothing, lost, flat)
    name = "polyp-video"  # at threshold 0 precision is 1/4, at all others it and recall are 1
    f_of_all = 1.3 * 0.25 / (0.3 * 0.25 + 1)
    found = {"mean_f": (255 + f_of_all) / 256, "adaptive_f": 1, "mean_recall": 1}
    yield Edge("a perfect map, 25 of 100 pixels", name, square, square * 255, found, flat)
    none = {"mean_f": 0, "adaptive_f": 0, "mean_recall": 0, "weighted_f": 0}
    yield Edge("G empty, map 0", name, nothing, nothing, none, flat)
    name = "polyp-endocv2021"
    agreed = {"dice": 1, "f2": 1, "ppv": 1, "recall": 1, "row_hausdorff": 0}
    yield Edge("both empty", name, nothing, nothing, agreed, flat)
    missed = {"dice": 0, "f2": 0, "ppv": 1, "recall": 0, "row_hausdorff": math.sqrt(5)}
    yield Edge("P empty, G 5 x 5 of 100 pixels", name, square, nothing, missed, flat)
    alarm = {"dice": 0, "f2": 0, "ppv": 0, "recall": 1, "accuracy": 0.75}
    yield Edge("G empty, P 5 x 5 of 100 pixels", name, nothing, square, alarm, flat)
    lower = np.roll(square, 3, axis=0)  # two rows of five are shared
    moved = {"dice": 0.4, "f2": 0.4, "iou": 0.25, "row_hausdorff": 0}
    yield Edge("G moved down by 3 rows: the same rows", name, square, lower, moved, flat)


def main() -> int:
    print("| case | protocol | measure | by hand | computed |\n|---|---|---|---:|---:|")
    differing = 0
    kinds = (empty_masks, merged_lesions, thresholds, hits, pairs, distances, polyps)
    for edge in (edge for kind in kinds for edge in kind()):
        regions = ANYTHING if edge.protocol.startswith("brats") else None
        results = evaluate_case(
            edge.reference, edge.prediction, edge.spacing_mm, edge.protocol, regions=regions
        )
        measures = next(iter(results.values())).measures
        for name, by_hand in edge.by_hand.items():
            computed = measures[name]
            same = computed == by_hand or abs(computed - by_hand) < 1e-9
            differing += not (same or (math.isnan(computed) and math.isnan(by_hand)))
            print(
                f"| {edge.what} | `{edge.protocol}` | `{name}` | {by_hand:.6g} | {computed:.6g} |"
            )
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
