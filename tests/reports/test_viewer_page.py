"""The page of one case, opened in a real browser."""

import base64
import gzip
import hashlib
import json
import re
from importlib.resources import files

import nibabel as nib
import numpy as np
import pytest

from inspire_med.reports.viewer_page import Layer, viewer_html

NAMED = {1: ("whole tumour", (0, 200, 150)), 4: ("</script><b>odd", (235, 90, 60))}
# What is drawn, once all volumes are there.
DRAWN = """
if (!document.body.dataset.drawn)
  await new Promise(done => new MutationObserver(done).observe(document.body, {attributes: true}));
const canvas = document.getElementById("canvas");
return {count: Number(document.body.dataset.drawn), size: [canvas.width, canvas.height],
  place: document.getElementById("place").textContent,
  images: [...document.querySelectorAll("#image option")].map(each => each.textContent),
  sliders: [...document.querySelectorAll("#overlays input")].map(each => Number(each.value))};
"""


@pytest.fixture
def layers():
    """A marked corner on the patient's left, stored from left to right and from right to left."""
    values = np.random.default_rng(0).uniform(100, 900, (24, 20, 16))
    values[:4] = 0
    labels = np.zeros(values.shape, np.uint8)
    labels[3:6, 12:15, 4:7] = 1
    labels[4, 13, 5] = 4
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = (-24, -20, -16)
    return [
        Layer("flair", "image", values, affine),
        Layer("t1 <i>", "image", values[::-1], affine, shown=False),
        Layer("Prediction", "labels", labels, affine, NAMED),
        Layer("Doubt", "map", labels / 8, affine, shown=False),
    ]


def volumes_in(page: str) -> list[dict]:
    held = re.search(r'<script type="application/json" id="layers">(.*?)</script>', page, re.S)
    return json.loads(held[1])


def read_back(layer: dict) -> nib.Nifti1Image:
    return nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(layer["nifti"])))


def test_volumes_stand_in_the_page_where_they_lie(layers):
    held = volumes_in(viewer_html("a", layers, {}))

    for layer, packed in zip(layers, held, strict=True):
        image = read_back(packed)
        np.testing.assert_allclose(image.affine, layer.affine)
        assert image.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(read_back(held[2]).dataobj), layers[2].values)
    grey = np.asarray(read_back(held[0]).dataobj)
    assert (grey[:4].max(), grey[4:].max()) == (0, 255)
    doubt = np.asarray(read_back(held[3]).dataobj)
    assert doubt.max() == round(255 * 4 / 8)


def test_niivue_is_the_build_that_its_readme_names():
    held = files("inspire_med.reports") / "niivue"
    found = hashlib.sha256((held / "niivue.umd.js").read_bytes()).hexdigest()

    assert f"sha256 {found}" in (held / "README.md").read_text()
    assert found == "47b896b77ec4a5be3ef1949c33ad393b6f45629921f326c279000bcf51bdb4af"


def test_nothing_that_a_file_says_becomes_markup(layers):
    page = viewer_html('x"><script>alert(1)</script>', layers, {"</span><b>": "rgb(1 2 3)"})

    assert "<script>alert" not in page
    assert "</script><b>odd" not in page
    assert "</span><b>" not in page
    assert volumes_in(page)[2]["colours"][1][1] == "</script><b>odd"


@pytest.mark.slow
@pytest.mark.parametrize("mirrored", [False, True])
def test_it_is_drawn_and_the_crosshair_stands_in_the_lesion(chromium, layers, mirrored):
    if mirrored:  # the same patient, stored the other way
        back = np.diag([-1.0, 1, 1, 1])
        back[0, 3] = layers[0].values.shape[0] - 1
        layers = [
            Layer(e.name, e.kind, e.values[::-1], e.affine @ back, e.colours, e.shown)
            for e in layers
        ]

    found = chromium.ask(viewer_html("case", layers, {}), DRAWN)

    assert found["count"] == 4
    assert min(found["size"]) > 300
    assert found["images"] == ["flair", "t1 <i>"]
    assert found["sliders"] == [0.5, 0]
    middle = layers[2].affine @ [*np.argwhere(layers[2].values == 4)[0], 1]
    assert found["place"].split()[:3] == [
        f"L{-middle[0]:.1f}",
        f"A{middle[1]:.1f}",
        f"I{-middle[2]:.1f}",
    ]
    assert "Prediction: </script><b>odd" in found["place"]
