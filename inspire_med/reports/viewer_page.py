"""Viewer page: one case in planes and in space, as one page that opens without a network.

NiiVue draws (https://niivue.com); it and the volumes stand in the page.
"""

import base64
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

import nibabel as nib
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from inspire_med.reports.page import render

_FASTEST = 4  # gzip's level: a tenth larger than the best, in a third of the time


@dataclass(frozen=True)
class Layer:
    """A volume of the page.

    Args:
        name: As the page shows it.
        kind: `image`: one of them at a time, in grey; `labels`: coloured by value; `map`: 0 to 1,
            of which little is seen through.
        values: `(i, j, k)`; images are brought to 8 bits within their percentiles 0.5 and 99.5.
        affine: To RAS+ mm.
        colours: Of `labels`: value to its name and (red, green, blue).
        shown: Whether it is seen when the page opens.
    """

    name: str
    kind: Literal["image", "labels", "map"]
    values: NDArray[Any]
    affine: NDArray[np.float64]
    colours: Mapping[int, tuple[str, tuple[int, int, int]]] | None = None
    shown: bool = True


def viewer_html(title: str, layers: Sequence[Layer], legend: Mapping[str, str]) -> str:
    """The whole page as text.

    Args:
        title: Such as the case's id.
        layers: At least one image.
        legend: A colour of each region, as CSS has it, by its name.
    """
    source = files("inspire_med.reports") / "niivue" / "niivue.umd.js"
    return render(
        "viewer.html.j2",
        title=title,
        layers=[_packed(layer) for layer in layers],
        legend=legend,
        focus_mm=_middle(layers),
        niivue=Markup(source.read_text("utf-8")),  # the package's own file
    )


def _middle(layers: Sequence[Layer]) -> list[float] | None:
    """Where to look first, in RAS+ mm: the voxel nearest to the middle of what is marked."""
    for layer in layers:
        places = np.argwhere(layer.values) if layer.kind == "labels" and layer.shown else ()
        if len(places):
            apart = np.linalg.norm(places - np.mean(places, axis=0), axis=1)
            return [float(mm) for mm in (layer.affine @ [*places[apart.argmin()], 1])[:3]]
    return None


def _packed(layer: Layer) -> dict[str, Any]:
    values = _in_eight_bits(layer) if layer.kind != "labels" else layer.values.astype(np.uint8)
    image = nib.Nifti1Image(values, layer.affine)
    image.header.set_xyzt_units("mm")
    colours = layer.colours or {}
    return {
        "name": layer.name,
        "kind": layer.kind,
        "shown": layer.shown,
        "colours": [[value, name, *rgb] for value, (name, rgb) in colours.items()],
        "nifti": base64.b64encode(gzip.compress(image.to_bytes(), _FASTEST)).decode(),
    }


def _in_eight_bits(layer: Layer) -> NDArray[np.uint8]:
    values = layer.values.astype(np.float32, copy=False)
    inside = values[values != 0]
    low, high = (0.0, 1.0)
    if layer.kind == "image" and inside.size:
        low, high = map(float, np.percentile(inside, (0.5, 99.5)))
        low = min(low, 0.0) if values.min() >= 0 else low
    return np.rint(np.clip((values - low) / ((high - low) or 1), 0, 1) * 255).astype(np.uint8)
