"""Names that outlive a release: a manifest's hash in trained models, entries in shared stores."""

import struct

import pytest

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.store import Store
from inspire_med.tasks.brats import BRATS

REGIONS = {"WT": (1, 2, 4), "ET": (4,)}


def nifti(path, voxels):
    """A volume of 2 x 2 x 2 bytes, by hand: what a library writes may change."""
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, 2, 2, 2, 1, 1, 1, 1)
    struct.pack_into("<2h", head, 70, 2, 8)  # uint8, its bits
    struct.pack_into("<8f", head, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<f", head, 108, 352)  # where voxels begin
    struct.pack_into("<2h", head, 252, 0, 1)  # an affine, in scanner's space
    struct.pack_into("<12f", head, 280, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
    struct.pack_into("<4s", head, 344, b"n+1")
    path.write_bytes(bytes(head) + bytes(voxels))
    return path


@pytest.fixture
def manifest(tmp_path):
    images = {
        "t1": nifti(tmp_path / "t1.nii", range(1, 9)),
        "t2": nifti(tmp_path / "t2.nii", b"inspire!"),
    }
    label = nifti(tmp_path / "label.nii", [0, 1, 2, 4, 0, 0, 0, 0])
    case = Case("a", "p", images, (2, 2, 2), (1.0, 1.0, 1.0), label=label, fold=0)
    return Manifest(BRATS, ("t1", "t2"), REGIONS, (case,), tmp_path)


def test_the_hash_of_a_manifest_is_what_it_was(manifest):
    """Another one, and models that have seen a case are no longer known to have."""
    assert manifest.hash == "dcb07cb985fa64d0fed5a3b9027a8e944ecd28bb3905c37a5c4f4dc5922bacb0"


def test_the_name_of_an_entry_is_what_it_was(manifest, tmp_path):
    """Another one, and every store is prepared anew. Meant so, `VERSION` was raised: pin again."""
    store = Store(tmp_path / "store", BRATS.preparation, manifest.channels, manifest.regions)

    assert store.path(manifest.cases[0]).name == "a-69101caf8d1533a5-39c12d49a29f7950"
