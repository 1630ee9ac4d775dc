import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import label

from inspire_med.cases.phantom import colon
from inspire_med.cases.phantom.sizes import LESION_ML, LESIONS, draw_tumour
from inspire_med.cases.phantom.stroke_patient import TISSUES, draw_body
from inspire_med.cases.phantom.subject import Subject

ROOT = Path(__file__).parents[3]
ISLES = ROOT.parent / "shared" / "data" / "isles2022"


def test_tumours_are_distributed_as_measured():
    random = np.random.default_rng(0)
    tumours = [draw_tumour(random, patient) for patient in range(4400)]
    whole = np.array([tumour.whole for tumour in tumours])
    enhancing = np.array([tumour.enhancing / tumour.core for tumour in tumours])

    assert all(each.whole > each.core > each.enhancing > 0 for each in tumours)
    assert np.median(whole) == pytest.approx(np.exp(4.69), rel=0.05)
    assert (whole.min(), whole.max()) == (38, 232)
    low = enhancing < 0.04  # a few of high grade are, too
    assert low.mean() == pytest.approx(3 / 11, abs=0.003)
    assert np.median(enhancing[~low]) == pytest.approx(0.66, abs=0.05)


def test_infarcts_have_the_count_and_volume_of_real_ones():
    found = [draw_body(np.random.default_rng(seed), 2.0, 1.0) for seed in range(6)]
    masks = [body.tissue == TISSUES.index("infarct") for body in found]

    counts = [label(mask, np.ones((3, 3, 3)))[1] for mask in masks]
    volumes_ml = [mask.sum() * 8 / 1000 for mask in masks]

    assert 15 < np.mean(counts) < 30  # real: 18 and 31
    assert 2.5 < np.mean(volumes_ml) < 9  # 4.2 and 6.7


def test_polyps_take_the_share_of_the_picture_that_real_ones_do(tmp_path):
    shares = []
    for number in range(0, 180, 3):  # of one site
        name = colon.write_case(tmp_path, Subject.draw(0, number), "small")
        with Image.open(tmp_path / "Phantom-C1" / "masks" / f"{name}.jpg") as mask:
            shares.append((np.asarray(mask) >= 128).mean())

    assert min(shares) > 0.004
    assert np.median(shares) == pytest.approx(np.exp(-2.22), rel=0.25)
    assert np.std(np.log(shares)) == pytest.approx(0.88, abs=0.2)


@pytest.mark.skipif(not ISLES.is_dir(), reason="no ISLES 2022 in ../shared/data")
def test_the_numbers_are_those_of_the_real_masks(monkeypatch, capsys):
    words = ["mask_sizes.py", "--task", "isles", "--source", str(ISLES)]
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(str(ROOT / "scripts" / "bench" / "mask_sizes.py"))["main"]()

    said = capsys.readouterr().out
    for what, (mean, deviation) in (("lesions of lesion: n 2", LESIONS), ("ml: n 49", LESION_ML)):
        assert f"{what}, {mean:.2f} +- {deviation:.2f}" in said
