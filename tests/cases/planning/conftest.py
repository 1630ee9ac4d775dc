"""Made fingerprints and means."""

import pytest

from inspire_med.cases.fingerprint import Fingerprint
from inspire_med.cases.planning.means import Line, Means, Need, Shares


@pytest.fixture
def fingerprint():
    """Make the fingerprint of some cases, all alike or each its own."""

    def make(spacings, shapes, cases=None, darkest=0.0):
        alike = not isinstance(spacings[0], tuple)
        spacings, shapes = ((spacings,), (shapes,)) if alike else (spacings, shapes)
        count = cases or len(shapes)
        return Fingerprint(count, tuple(spacings), tuple(shapes), 0.5, {}, darkest, {})

    return make


@pytest.fixture
def means():
    """Make the means of a GPU, or of two cores."""

    def make(memory_gib=8.0, step_s=None, *, gpu=True, processes=1):
        return Means("auto", gpu, memory_gib, step_s, 2, Shares(processes), "the GPU")

    return make


@pytest.fixture
def line():
    """Make what steps need: half a GiB, and more for each voxel."""

    def make(bytes_per_voxel=2000.0, step_s=0.0):
        return Line(Need(0.5, 0.0), Need(bytes_per_voxel / 2**30, step_s), Shares())

    return make
