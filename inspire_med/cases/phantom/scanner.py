"""Scanner: what a site's machine does to the signal of tissue, and what spoils some scans."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from inspire_med.cases.phantom.fields import Field, Vector, smooth_noise

COIL_MM = 35.0  # width of what a bias field brightens


@dataclass(frozen=True)
class Scanner:
    """The MRI scanner of a site.

    Args:
        site: Its name.
        contrast: Exponent of tissues' relative signals; above 1 sets them apart, below together.
        bias: Deviation of the logarithm of the bias field.
        noise: Deviation of noise, in units of tissues' signal.
        slice_mm: Thickness of what one slice sums up, along the third axis.
        spoilt: Share of scans with an artefact.
    """

    site: str
    contrast: float
    bias: float
    noise: float
    slice_mm: float
    spoilt: float

    def signal(self, signals: Vector) -> Field:
        """What tissues of these relative signals give here."""
        return np.asarray(signals, np.float32) ** np.float32(self.contrast)

    def receive(self, clean: Field, spacing_mm: Vector, random: np.random.Generator) -> Field:
        """The scan before noise: thick slices, bias, in some a ghost or a spike."""
        thick = round(self.slice_mm / spacing_mm[2])
        scan = uniform_filter1d(clean, thick, axis=2) if thick > 1 else clean
        coil = COIL_MM / np.asarray(spacing_mm)
        scan = scan * np.exp(np.float32(self.bias) * smooth_noise(random, scan.shape, coil))
        if random.uniform() < self.spoilt:
            spoil = add_ghost if random.uniform() < 0.5 else add_spike
            scan = spoil(scan, random)
        return scan


def add_ghost(scan: Field, random: np.random.Generator) -> Field:
    """The patient moved: a faint second image, shifted along the second axis (phase encoding)."""
    shift = int(random.uniform(0.15, 0.5) * scan.shape[1])
    return scan + np.float32(random.uniform(0.1, 0.25)) * np.roll(scan, shift, axis=1)


def add_spike(scan: Field, random: np.random.Generator) -> Field:
    """A spark during the measurement: one point of k-space, stripes all over the scan."""
    waves = [
        np.arange(size, dtype=np.float32) * np.float32(random.uniform(-0.9, 0.9))
        for size in scan.shape
    ]
    phase = sum(np.meshgrid(*waves, indexing="ij", sparse=True))
    height = np.float32(random.uniform(0.08, 0.2) * scan.max())
    return np.maximum(scan + height * np.cos(phase), 0)
