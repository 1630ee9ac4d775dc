"""Rules: from a fingerprint and the means to the largest plan that makes sense of the data.

nnU-Net 2's rules (Isensee et al., Nature Methods 2021; its documentation of the planner), written
anew; where ours are others, docs/plan.md says why.
"""

from collections.abc import Mapping

import numpy as np

from inspire_med.cases.fingerprint import Fingerprint
from inspire_med.cases.planning.batches import least_batch
from inspire_med.cases.planning.means import Means
from inspire_med.cases.planning.plan import Plan, words
from inspire_med.cases.planning.sizes import LARGEST, Given, first_size, median_shape, sized
from inspire_med.tasks.task import Intensity
from inspire_med.wording import counted

ANISOTROPIC = 3.0  # an axis whose voxels are so many times as long as those of the others
_FEW: Mapping[int, int] = {2: 500, 3: 100}  # cases; fewer are varied strongly
_HOUNSFIELD = -500.0  # no scan in MRI is so dark; air in CT is -1000


def draft(
    fingerprint: Fingerprint, intensity: Intensity, means: Means, given: Given | None = None
) -> Plan:
    """The largest plan that makes sense of the data, before memory and time have their say.

    Args:
        fingerprint: Of the training fold.
        intensity: The task's scheme.
        means: What there is to train with.
        given: Fields of the plan that are asked for; the others go by them.
    """
    given = given or {}
    dims = fingerprint.spatial_dims
    reasons: dict[str, str] = {}
    spacing, reasons["spacing_mm"] = _spacing(fingerprint, given)
    median = median_shape(fingerprint, spacing)
    batch, reasons["batch_size"] = least_batch(fingerprint, means, given)
    plan = Plan(
        spacing_mm=(spacing[0], spacing[1], spacing[2]) if dims == 3 else None,
        image_size=given.get("image_size"),
        intensity=given.get("intensity", intensity),
        patch_size=given.get("patch_size"),
        batch_size=batch,
        strides=(),
        kernel_sizes=(),
        widths=(),
        stem_stride=given.get("stem_stride", 2 if dims == 2 and not means.gpu else 1),
        norm=given.get("norm", "batch" if batch > means.shares.at_least else "instance"),
        deep_supervision=given.get("deep_supervision", 3),
        augment=given.get("augment", "strong" if fingerprint.cases < _FEW[dims] else "usual"),
        reasons=reasons,
    )
    plan = plan.because(
        intensity=_on_intensity(fingerprint, plan.intensity),
        stem_stride="whole resolution"
        if plan.stem_stride == 1
        else "half the grid is fine enough for a smooth edge, and a step costs about a quarter",
        augment=f"{counted(fingerprint.cases, 'case')}, where fewer than {_FEW[dims]} are varied "
        "strongly",
        norm="learns faster than instance norm in short runs"
        if plan.norm == "batch"
        else "one sample at a time has no statistics of a batch",
    )
    if "patch_size" in given or (dims == 2 and "image_size" in given):
        size, size_reason = plan.seen_size, ""
    else:
        size = first_size(plan, median, means)
        size_reason = f"the median shape, {words(median)}, as far as {LARGEST[dims]:,} voxels go"
    plan = plan.because(
        patch_size=size_reason if dims == 3 else "pictures are seen whole",
        image_size=size_reason if dims == 2 else "volumes are resampled by spacing",
    )
    return sized(plan, size, fingerprint, means, given)


def _on_intensity(fingerprint: Fingerprint, intensity: Intensity) -> str:
    if intensity == "mri" and fingerprint.darkest < _HOUNSFIELD:
        return (
            f"the task's own, but values such as {fingerprint.darkest:.0f} are those of CT; "
            "give ct if it is"
        )
    return "the task's own"


def _spacing(fingerprint: Fingerprint, given: Given) -> tuple[tuple[float, ...], str]:
    """The median; of slices that lie far apart their 10th percentile, so that few are lost."""
    asked = given.get("spacing_mm")
    if fingerprint.spatial_dims == 2:
        return (1.0, 1.0), "pictures have no unit"
    if asked is not None:
        return tuple(asked), ""
    spacings = np.array(fingerprint.spacings_mm)
    target, size = np.median(spacings, axis=0), np.median(fingerprint.shapes, axis=0)
    worst = int(target.argmax())
    others = [axis for axis in range(3) if axis != worst]
    reason = f"the median of {counted(len(spacings), 'case')}"
    far_apart = target[worst] > ANISOTROPIC * target[others].max()
    if far_apart and ANISOTROPIC * size[worst] < size[others].min():
        tenth = float(np.percentile(spacings[:, worst], 10))
        target[worst] = max(tenth, float(target[others].max()))
        reason += f"; along the thick slices of axis {worst + 1} the 10th percentile"
    return tuple(round(float(width), 6) for width in target), reason
