from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.layouts.found import FoundCase
from inspire_med.imaging.placement import Placement
from inspire_med.inference.postprocess import Postprocessing
from inspire_med.inference.prediction import Prediction
from inspire_med.inference.sliding_window import ONE
from inspire_med.predicting.overlays import write_overlay
from inspire_med.tasks.isles import ISLES
from inspire_med.tasks.polyp import POLYP
from inspire_med.viz.paint import REGION_COLOURS


def card_of(task):
    return SimpleNamespace(channels=task.channels, preparation=task.preparation, task=task)


def test_a_picture_keeps_its_pixels_outside_of_the_outline(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (12, 10, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    shares = np.zeros((1, 12, 10), np.uint16)
    shares[0, 3:8, 2:7] = ONE
    prediction = Prediction.painted(
        shares, Placement.of_picture((12, 10), None), {"polyp": (1,)}, Postprocessing(), ""
    )
    case = FoundCase("a", "a", dict.fromkeys(POLYP.channels, tmp_path / "a.png"))

    write_overlay(tmp_path / "out", case, prediction, card_of(POLYP))

    drawn = np.asarray(Image.open(tmp_path / "out" / "overlays" / "a.png"))
    inside = prediction.labels > 0
    outline = inside.copy()
    outline[4:7, 3:6] = False
    assert np.array_equal(drawn[~inside], picture[~inside])
    assert (drawn[outline] == REGION_COLOURS[0]).all()
    assert (drawn[5, 4] != REGION_COLOURS[0]).any()


@pytest.mark.parametrize("found", [True, False])
def test_a_volume_is_shown_three_ways_with_its_outline(tmp_path, found):
    values = np.random.default_rng(0).random((20, 24, 16)).astype(np.float32)
    affine = np.diag([-1.0, 1.0, 2.0, 1.0])
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "dwi.nii.gz")
    labels = np.zeros(values.shape, np.uint8)
    labels[5:12, 5:12, 5:10] = found
    prediction = SimpleNamespace(
        labels=labels,
        regions={"lesion": (1,)},
        placement=SimpleNamespace(affine=affine, shape=values.shape),
    )
    case = FoundCase("a", "a", {"dwi": tmp_path / "dwi.nii.gz"})

    write_overlay(tmp_path / "out", case, prediction, card_of(ISLES))

    drawn = np.asarray(Image.open(tmp_path / "out" / "overlays" / "a.png").convert("RGB"))
    assert drawn.shape[1] > 2 * drawn.shape[0]
    # The legend shows the colour once; a mask shows it in each of three panels.
    columns = (drawn[: drawn.shape[0] * 4 // 5] == REGION_COLOURS[0]).all(axis=-1).any(axis=0)
    assert [part.any() for part in np.array_split(columns, 3)] == [found] * 3
