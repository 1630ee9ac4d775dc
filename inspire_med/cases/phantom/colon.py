"""Polyp phantom: colonoscopy-like images of folded mucosa with a polyp of the same texture.

Written as Kvasir-SEG: `Phantom-SEG/{images,masks}/NAME.jpg`, masks with the JPEG's grey rims.
Folds, highlights, vessels and a vignette vary more than the polyp's own colour does; what tells it
is its round outline and its shading.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from inspire_med.cases.phantom.fields import Field, radius_field, smooth_noise, soft_step

HEIGHT, WIDTH = 128, 160
SHAPE = (HEIGHT, WIDTH)
SET = "Phantom-SEG"  # a set's folder names its site: the same wherever the phantom is made
MUCOSA = (0.74, 0.42, 0.34)


def write_case(folder: Path, number: int, random: np.random.Generator) -> None:
    """Write one image and its mask."""
    name = f"phantom{number:05d}.jpg"
    for place in ("images", "masks"):
        (folder / SET / place).mkdir(parents=True, exist_ok=True)
    polyp = _outline(random)
    Image.fromarray(_render(polyp, random)).save(folder / SET / "images" / name, quality=92)
    mask = np.where(polyp < 1, 255, 0).astype(np.uint8)
    Image.fromarray(mask).save(folder / SET / "masks" / name, quality=95)


def _outline(random: np.random.Generator) -> Field:
    """The polyp's own radius: below 1 inside, wavy, elliptic, anywhere in view."""
    centre = np.array(SHAPE) * random.uniform(0.28, 0.72, 2)
    radius = random.uniform(13, 32)
    field = radius_field(SHAPE, centre, radius * random.uniform(0.75, 1.3, 2))
    return field * (1 + 0.10 * smooth_noise(random, SHAPE, 9))


def _render(polyp: Field, random: np.random.Generator) -> NDArray[np.uint8]:
    """Light on folds and polyp, coloured, then what the camera does to it."""
    inside = soft_step(polyp, 0.05)
    light = random.uniform(-1, 1, 2)
    slope = np.gradient(_folds(random))
    shade = 0.80 + 0.16 * (light[0] * slope[0] + light[1] * slope[1]) * (1 - 0.7 * inside)
    shade *= 1 + 0.12 * smooth_noise(random, SHAPE, 22) + 0.06 * smooth_noise(random, SHAPE, 2)
    shade *= _relief(polyp, light, random.uniform(0.7, 1.3))
    image = shade[..., None] * np.array(MUCOSA) * random.uniform(0.88, 1.12, 3)
    patches = smooth_noise(random, SHAPE, 7)[..., None]
    image = image * (1 + patches * np.array((0.02, 0.08, 0.08)))
    # Adenomas are redder or paler than what is around them, by hardly more than mucosa varies.
    tint = random.choice((-1, 1)) * np.array((0.03, 0.13, 0.10))
    image = image * (1 + inside[..., None] * tint)
    return _camera(_vessels(image, inside[..., None], random), random)


def _relief(polyp: Field, light: NDArray[np.float64], strength: float) -> Field:
    """How the dome changes the light: bright top, one side lit, a shadow around the foot."""
    rows, columns = np.gradient(np.sqrt(np.clip(1 - polyp**2, 0, 1)))
    side = np.clip((light[0] * rows + light[1] * columns) * 4, -1, 1)
    top = np.clip(1 - polyp**2, 0, 1)
    foot = np.exp(-(((polyp - 1.06) / 0.10) ** 2))
    return (1 + strength * (0.20 * top + 0.15 * side - 0.22 * foot)).astype(np.float32)


def _folds(random: np.random.Generator) -> Field:
    """Height of the mucosa: curved ridges around a far point, as haustra are."""
    far = np.array(SHAPE) * random.uniform(-0.2, 1.2, 2)
    distance = radius_field(SHAPE, far, (1, 1)) + 6 * smooth_noise(random, SHAPE, 16)
    wave = np.sin(distance / random.uniform(4.5, 8) + random.uniform(0, 6))
    return (1.6 * np.maximum(wave, 0) ** 2 * 2 + smooth_noise(random, SHAPE, 5) * 0.8).astype(
        np.float32
    )


def _vessels(image: Field, inside: Field, random: np.random.Generator) -> Field:
    """Thin dark red lines, fewer on the polyp."""
    lines = np.exp(-((smooth_noise(random, SHAPE, 8) / 0.05) ** 2))[..., None] * (1 - 0.6 * inside)
    return image * (1 - lines * np.array((0.10, 0.30, 0.25)))


def _camera(image: Field, random: np.random.Generator) -> NDArray[np.uint8]:
    """Highlights, vignette, blur, noise, and the dark corners of the endoscope's frame."""
    wet = smooth_noise(random, SHAPE, 1.6) + 0.8 * smooth_noise(random, SHAPE, 12)
    image = image + soft_step(1 + (3.0 - wet), 0.08)[..., None] * 0.8
    view = radius_field(SHAPE, np.array(SHAPE) / 2, (HEIGHT * 0.62, WIDTH * 0.56))
    image = image * np.clip(1.12 - 0.35 * view**2, 0, None)[..., None]
    image = gaussian_filter(image, (0.6, 0.6, 0))
    image = image + 0.015 * random.standard_normal(image.shape)
    image = np.where(view[..., None] < 1.02, image, 0.02)
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)
