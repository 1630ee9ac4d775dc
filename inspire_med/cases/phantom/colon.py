"""Polyp phantom: colonoscopy-like images of folded mucosa with a polyp of the same texture.

Written as Kvasir-SEG, a set a centre: `Phantom-C1/{images,masks}/NAME.jpg`, masks with the JPEG's
grey rims. Folds, highlights, vessels and a vignette vary more than the polyp's own colour does;
what tells it is its round outline and its shading.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from inspire_med.cases.phantom.fields import Field, lowest, radius_field, smooth_noise, soft_step
from inspire_med.cases.phantom.sizes import CLINICDB_POLYP, KVASIR_POLYP, Normal, log_normal
from inspire_med.cases.phantom.subject import Size, Subject

MUCOSA = (0.74, 0.42, 0.34)


@dataclass(frozen=True)
class Endoscope:
    """What a centre's pictures have in common.

    Args:
        site: The centre, after which its folder is named: the same wherever the set is made.
        shape: Rows and columns of its small pictures.
        polyp: Log-normal share of the picture that a polyp takes.
        white: What it makes of white.
        blur: Of its optics, in pixels of a small picture.
        noise: Deviation of its noise.
        view: Half axes of what it shows, as shares of the picture; black corners beyond.
        border: Share of the width that is black at the left, where other views have their text.
    """

    site: str
    shape: tuple[int, int]
    polyp: Normal
    white: tuple[float, float, float]
    blur: float
    noise: float
    view: tuple[float, float]
    border: float = 0.0


ENDOSCOPES = (
    Endoscope("C1", (128, 160), KVASIR_POLYP, (1.0, 1.0, 1.0), 0.6, 0.015, (0.62, 0.56)),
    Endoscope("C2", (128, 160), KVASIR_POLYP, (0.94, 1.03, 1.1), 0.9, 0.025, (0.66, 0.54), 0.12),
    Endoscope("C3", (128, 144), CLINICDB_POLYP, (1.08, 0.96, 0.92), 0.5, 0.01, (0.6, 0.6)),
)
_FINER = {"small": 1, "full": 4}  # 512 rows, as of a middling picture of Kvasir-SEG
_BLURRED, _WET = 0.1, 0.2  # shares of pictures that moved, and that shine all over


def write_case(folder: Path, subject: Subject, size: Size) -> str:
    """Write one image and its mask, and answer with the case's id."""
    endoscope, finer = subject.one_of(ENDOSCOPES), _FINER[size]
    shape = tuple(finer * side for side in endoscope.shape)
    name, place = f"phantom{subject.number:05d}", folder / f"Phantom-{endoscope.site}"
    for part in ("images", "masks"):
        (place / part).mkdir(parents=True, exist_ok=True)
    polyp, mask = _outline(endoscope, shape, subject.anatomy)
    scene = _render(polyp, finer, subject.anatomy)
    image = _camera(endoscope, scene, finer, subject.scan)
    Image.fromarray(image).save(place / "images" / f"{name}.jpg", quality=92)
    black_white = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    black_white.save(place / "masks" / f"{name}.jpg", quality=95)
    return name


def _outline(
    endoscope: Endoscope, shape: tuple[int, ...], random: np.random.Generator
) -> tuple[Field, NDArray[np.bool_]]:
    """The polyp's own radius, below 1 inside: wavy, elliptic, in view; and what is inside.

    The mask has the drawn share of the picture to the pixel, as far as it is in the picture.
    """
    share = float(np.clip(log_normal(random, endoscope.polyp), 0.005, 0.5))
    pixels = share * shape[0] * shape[1]
    centre = np.array(shape) * random.uniform(0.3, 0.7, 2) + (0, endoscope.border * shape[1] / 2)
    stretch = random.uniform(0.8, 1.25)
    radii = np.sqrt(pixels / np.pi) * np.array((stretch, 1 / stretch))
    waves = smooth_noise(random, shape, max(2.0, float(radii.min()) / 2.5))
    field = radius_field(shape, centre, radii) * (1 + 0.1 * waves)
    mask = lowest(field, np.ones(shape, bool), round(pixels))
    return field / field[mask].max(), mask


def _render(polyp: Field, finer: int, random: np.random.Generator) -> Field:
    """Light on folds and polyp, coloured."""
    shape = polyp.shape
    inside = soft_step(polyp, 0.05)
    light = random.uniform(-1, 1, 2)
    slope = [finer * part for part in np.gradient(_folds(shape, finer, random))]
    shade = 0.80 + 0.16 * (light[0] * slope[0] + light[1] * slope[1]) * (1 - 0.7 * inside)
    shade *= 1 + 0.12 * smooth_noise(random, shape, 22 * finer)
    shade *= 1 + 0.06 * smooth_noise(random, shape, 2 * finer)
    shade *= _relief(polyp, light, random.uniform(0.7, 1.3))
    image = shade[..., None] * np.array(MUCOSA) * random.uniform(0.88, 1.12, 3)
    patches = smooth_noise(random, shape, 7 * finer)[..., None]
    image = image * (1 + patches * np.array((0.02, 0.08, 0.08)))
    # Adenomas are redder or paler than what is around them, by hardly more than mucosa varies.
    tint = random.choice((-1, 1)) * np.array((0.03, 0.13, 0.10))
    image = image * (1 + inside[..., None] * tint)
    lines = np.exp(-((smooth_noise(random, shape, 8 * finer) / 0.05) ** 2)) * (1 - 0.6 * inside)
    return image * (1 - lines[..., None] * np.array((0.10, 0.30, 0.25)))  # vessels


def _relief(polyp: Field, light: NDArray[np.float64], strength: float) -> Field:
    """How the dome changes the light: bright top, one side lit, a shadow around the foot."""
    top = np.clip(1 - polyp**2, 0, 1)
    rows, columns = np.gradient(np.sqrt(top))
    # A small dome is as steep as a large one: what a pixel rises is measured by its width.
    width = np.sqrt(np.count_nonzero(polyp < 1)) / 40
    side = np.clip((light[0] * rows + light[1] * columns) * 4 * width, -1, 1)
    foot = np.exp(-(((polyp - 1.06) / 0.10) ** 2))
    return (1 + strength * (0.20 * top + 0.15 * side - 0.22 * foot)).astype(np.float32)


def _folds(shape: tuple[int, ...], finer: int, random: np.random.Generator) -> Field:
    """Height of the mucosa: curved ridges around a far point, as haustra are."""
    far = np.array(shape) * random.uniform(-0.2, 1.2, 2)
    distance = radius_field(shape, far, (finer, finer)) + 6 * smooth_noise(
        random, shape, 16 * finer
    )
    wave = np.sin(distance / random.uniform(4.5, 8) + random.uniform(0, 6))
    return 3.2 * np.maximum(wave, 0) ** 2 + 0.8 * smooth_noise(random, shape, 5 * finer)


def _camera(
    endoscope: Endoscope, image: Field, finer: int, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Highlights, vignette, blur, noise, and the black of the endoscope's frame."""
    shape = image.shape[:2]
    wet = smooth_noise(random, shape, 1.6 * finer) + 0.8 * smooth_noise(random, shape, 12 * finer)
    from_height = 2.2 if random.uniform() < _WET else 3.0
    image = image + soft_step(1 + (from_height - wet), 0.08)[..., None] * 0.8
    rows, columns = shape
    middle = np.array(((rows - 1) / 2, (columns * (1 + endoscope.border) - 1) / 2))
    view = radius_field(shape, middle, np.array(endoscope.view) * shape)
    image = image * np.clip(1.12 - 0.35 * view**2, 0, None)[..., None] * endoscope.white
    moved = 2.5 if random.uniform() < _BLURRED else 0.0
    blur = (endoscope.blur * finer, (endoscope.blur + moved) * finer)
    image = gaussian_filter(image.astype(np.float32), (*blur, 0))
    image = image + np.float32(endoscope.noise) * random.standard_normal(image.shape, np.float32)
    image = np.where(view[..., None] < 1.02, image, 0.02)
    image[:, : round(endoscope.border * columns)] = 0.02
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)
