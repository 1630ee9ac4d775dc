from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from inspire_med.cases.case import Case
from inspire_med.cases.look_alike import look_alikes, picture_signature
from inspire_med.imaging.picture import read_picture


def picture(seed):
    noise = np.random.default_rng(seed).standard_normal((96, 128, 3))
    smooth = gaussian_filter(noise, (8, 8, 0))
    return (128 + 90 * smooth / np.abs(smooth).max()).astype(np.uint8)


@pytest.fixture
def two_cases():
    case = Case("a", "a", {}, (96, 128), (1.0, 1.0), fold=0)
    return [case, replace(case, id="b", fold=1)]


def test_names_a_picture_and_its_brighter_twin_across_folds(two_cases):
    twin = np.clip(picture(0).astype(int) + 12, 0, 255).astype(np.uint8)
    signatures = [picture_signature(picture(0)), picture_signature(twin)]

    assert look_alikes(two_cases, signatures) == [("a", "b")]


def test_twins_in_one_fold_are_no_leak(two_cases):
    signature = picture_signature(picture(0))

    assert look_alikes([replace(case, fold=0) for case in two_cases], [signature] * 2) == []


def test_other_pictures_do_not_look_alike(two_cases):
    assert (
        look_alikes(two_cases, [picture_signature(picture(0)), picture_signature(picture(1))]) == []
    )


def test_volumes_have_no_signature(two_cases):
    assert look_alikes(two_cases, [b"", b""]) == []


def test_neighbouring_frames_of_a_real_video_look_alike(real_data, two_cases):
    frames = real_data / "polyp" / "CVC-ClinicDB" / "images"
    near = [picture_signature(read_picture(frames / name)) for name in ("112.jpg", "113.jpg")]
    far = [picture_signature(read_picture(frames / name)) for name in ("112.jpg", "300.jpg")]

    assert look_alikes(two_cases, near) == [("a", "b")]
    assert look_alikes(two_cases, far) == []
