"""The rules of the BraTS 2024 and 2025 challenges: which region is scored how.

Source: the challenges' evaluation scripts (BraTS-2024-Metrics).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import sqrt

from inspire_med.imaging.masks import Regions


@dataclass(frozen=True)
class Rule:
    """How the lesions of one region are found.

    Attributes:
        steps: Dilations within which parts of the reference are one lesion.
        larger_than: Size in mm3 that a lesion of the reference must exceed to count.
        predicted_steps: As `steps`, for the prediction.
        removed: From a voxel's volume in mm3 to the size in voxels up to which lesions of the
            prediction are taken out before anything is scored.
        joined_by: Tissues whose lesions join lesions of this one that touch them, in turn.
    """

    steps: int
    larger_than: float
    predicted_steps: int
    removed: Callable[[float], float]
    joined_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Challenge:
    """What differs between the challenges.

    Attributes:
        title: Its name.
        regions: Label values of each region.
        rules: Of each region, and of each tissue that joins others.
        penalty_mm: From the volume's shape to the distance that stands for an infinite one.
        sizes: Dilations and smallest size of the lesions of the reference, in words.
        policy: The challenge's own lines.
        tissues: Label values of what rules join by.
        spurious_count: Whether spurious lesions enter the lesion-wise means.
    """

    title: str
    regions: Regions
    rules: Mapping[str, Rule]
    penalty_mm: Callable[[tuple[int, ...]], float]
    sizes: tuple[str, str]
    policy: tuple[str, ...]
    tissues: Regions
    spurious_count: bool = True


def literal(penalty_mm: float) -> Callable[[tuple[int, ...]], float]:
    """The same penalty, whatever the volume."""
    return lambda _: penalty_mm


def diagonal(shape: tuple[int, ...]) -> float:
    """The diagonal of the volume in voxels, each taken as 1 mm."""
    return sqrt(sum(size**2 for size in shape))


def _merged(steps: int, size: float, joined_by: tuple[str, ...] = ()) -> Rule:
    """The usual rule: predicted lesions are built alike, and as small ones are taken out."""
    return Rule(steps, size, steps, lambda _: size, joined_by)


_REGIONS = {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}
_DIAGONAL_LINE = (
    "penalty: the diagonal of the volume, sqrt(nx^2 + ny^2 + nz^2), in voxels taken as mm"
)
_MERGED_LINE = (
    "lesions of the prediction: built in the same way; those of {removed} or less are taken out "
    "before anything is scored, so that every value of the whole region is that of the cleaned mask"
)
_JOINED_LINE = (
    "lesions are joined across tissues, in reference and prediction alike: lesions of {joined} "
    "that touch (18-neighbourhood) the same lesion of another tissue count as one; one that "
    "touches several goes with the first of them in scan order"
)
_ET_JOINED_LINE = _JOINED_LINE.format(joined="ET") + "; the other tissue is NETC, label 1"

CHALLENGES_2025 = {
    "gli": Challenge(
        title="GLI",
        regions={**_REGIONS, "NETC": (1,), "SNFH": (2,), "RC": (4,)},
        rules={
            "WT": _merged(3, 20),
            "TC": _merged(3, 20),
            "NETC": _merged(5, 20, ("ET", "RC")),
            "SNFH": _merged(3, 20, ("ET", "RC", "NETC")),
            "ET": _merged(3, 10, ("NETC", "RC")),
            "RC": _merged(5, 20, ("ET", "NETC")),
        },
        penalty_mm=literal(337.0),
        sizes=("3 dilations (NETC, RC: 5)", "20 mm3 (ET: 10)"),
        policy=(
            _MERGED_LINE.format(removed="20 voxels (ET 10; not mm3)"),
            _JOINED_LINE.format(joined="ET, NETC, RC and SNFH"),
            "penalty: 337 mm",
        ),
        tissues={"ET": (3,), "NETC": (1,), "RC": (4,)},
    ),
    "men": Challenge(
        title="MEN",
        regions=_REGIONS,
        rules=dict.fromkeys(_REGIONS, Rule(1, 50, 0, lambda _: 0)),
        penalty_mm=literal(374.0),
        sizes=("one dilation", "50 mm3"),
        policy=(
            "lesions of the prediction: its 26-connected parts, of any size, not dilated",
            "penalty: 374 mm",
        ),
        tissues={},
    ),
    "menrt": Challenge(
        title="MEN-RT",
        regions={"GTV": (1,)},
        rules={"GTV": Rule(1, 50, 1, lambda voxel_mm3: 50 / voxel_mm3)},
        penalty_mm=diagonal,
        sizes=("one dilation", "50 mm3"),
        policy=(
            _MERGED_LINE.format(removed="50 mm3"),
            _DIAGONAL_LINE,
            "spurious lesions are counted in lesions_fp, but enter no lesion-wise mean",
        ),
        tissues={},
        spurious_count=False,
    ),
    "met": Challenge(
        title="MET",
        regions={**_REGIONS, "RC": (4,)},
        rules={
            **dict.fromkeys(("WT", "TC", "RC", "NETC"), _merged(1, 2)),
            "ET": _merged(1, 2, ("NETC",)),
        },
        penalty_mm=diagonal,
        sizes=("one dilation", "2 mm3"),
        policy=(
            _MERGED_LINE.format(removed="2 voxels (not mm3)"),
            _ET_JOINED_LINE,
            _DIAGONAL_LINE,
            "the script's second table, of the masks before anything is taken out, is not given",
        ),
        tissues={"NETC": (1,)},
    ),
    "ped": Challenge(
        title="PED",
        regions={
            "WT": (1, 2, 3, 4),
            "TC": (1, 2, 3),
            "ET": (1,),
            "NETC": (2,),
            "CC": (3,),
            "ED": (4,),
        },
        rules=dict.fromkeys(("WT", "TC", "ET", "NETC", "CC", "ED"), _merged(5, 10)),
        penalty_mm=literal(374.0),
        sizes=("5 dilations", "10 mm3"),
        policy=(
            _MERGED_LINE.format(removed="10 voxels (not mm3)"),
            "penalty: 374 mm",
        ),
        tissues={},
    ),
    "ssa": Challenge(
        title="SSA",
        regions=_REGIONS,
        rules={
            **dict.fromkeys(("WT", "TC", "NETC"), _merged(3, 50)),
            "ET": _merged(3, 50, ("NETC",)),
        },
        penalty_mm=literal(374.0),
        sizes=("3 dilations", "50 mm3"),
        policy=(
            _MERGED_LINE.format(removed="50 voxels (not mm3)"),
            _ET_JOINED_LINE,
            "penalty: 374 mm",
        ),
        tissues={"NETC": (1,)},
    ),
}

# Preoperative meningiomas had no script in 2024.
CHALLENGES_2024 = {
    **{name: CHALLENGES_2025[name] for name in ("gli", "menrt")},
    "met": replace(
        CHALLENGES_2025["met"],
        regions=_REGIONS,
        penalty_mm=literal(374.0),
        policy=(
            _MERGED_LINE.format(removed="2 voxels (not mm3)"),
            _ET_JOINED_LINE,
            "penalty: 374 mm",
        ),
    ),
    **{name: CHALLENGES_2025[name] for name in ("ped", "ssa")},
}
