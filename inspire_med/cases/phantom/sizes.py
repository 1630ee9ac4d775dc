"""Sizes: how large lesions are, as the masks of the public sets have it.

The numbers are those that `scripts/bench/mask_sizes.py` prints; volumes in ml are of log-normal,
shares of what holds them of logit-normal distribution, each (mean, deviation) on that scale.
"""

from dataclasses import dataclass

import numpy as np

Normal = tuple[float, float]

# BraTS 2018, TCIA cases, n = 11 (8 high, 3 low grade).
WHOLE_TUMOUR_ML: Normal = (4.69, 0.55)
CORE_OF_WHOLE: Normal = (-0.16, 0.93)
ENHANCING_OF_CORE: dict[str, Normal] = {"high": (0.68, 0.94), "low": (-4.16, 0.22)}  # by grade
# They take turns: a small set, too, has three of eleven whose enhancing part is hard to find.
GRADES = ("high", "high", "low", "high", "high", "low", "high", "high", "low", "high", "high")
# ISLES 2022, n = 2 masks with 49 lesions: too few for more than an order of size.
LESIONS: Normal = (3.16, 0.27)
LESION_ML: Normal = (-2.34, 1.22)
# Share of the picture, Kvasir-SEG (n = 1,000) and CVC-ClinicDB (n = 612).
KVASIR_POLYP: Normal = (-2.22, 0.88)
CLINICDB_POLYP: Normal = (-2.73, 0.88)


@dataclass(frozen=True)
class Tumour:
    """Volumes of the nested regions, in ml."""

    whole: float
    core: float
    enhancing: float


def draw_tumour(random: np.random.Generator, patient: int) -> Tumour:
    """The volumes of this patient's tumour, the whole held within the range seen, 38 to 232 ml."""
    whole = float(np.clip(log_normal(random, WHOLE_TUMOUR_ML), 38, 232))
    core = whole * _logit_normal(random, CORE_OF_WHOLE)
    part = _logit_normal(random, ENHANCING_OF_CORE[GRADES[patient % len(GRADES)]])
    return Tumour(whole, core, core * part)


def log_normal(random: np.random.Generator, normal: Normal) -> float:
    """A draw of which the logarithm is normal."""
    return float(np.exp(random.normal(*normal)))


def _logit_normal(random: np.random.Generator, normal: Normal) -> float:
    return float(1 / (1 + np.exp(-random.normal(*normal))))
