"""ISLES: stroke lesions. That of 2022, and the editions that show other channels."""

from dataclasses import replace

from inspire_med.tasks.task import Preparation, SeriesRule, Task

# The diffusion that shows a stroke is weighted by 1000 s/mm^2; the map made of it is a series too.
_SERIES = {
    "dwi": SeriesRule(
        r"\bdwi|diff|trace|\bb ?\d{3,4}\b", r"\badc|apparent|\bfa\b|\bexp", b_value=(500.0, 2000.0)
    ),
    "adc": SeriesRule(r"\badc|apparent", r"\bexp"),
    "flair": SeriesRule("flair|dark ?fluid|tirm", r"\bt1"),
    "t1": SeriesRule(r"\bt1|mp ?rage|bravo|f?spgr", "flair|perf", contrast=False),
    "t2": SeriesRule(r"\bt2", r"flair|dark ?fluid|tirm|t2 ?star|t2 fl|swi|diff|\bdwi|\badc|perf"),
}

# 2022: DWI and ADC on one grid, FLAIR on another.
ISLES = Task(
    name="isles",
    spatial_dims=3,
    channels=("dwi", "adc", "flair"),
    series={
        name: _SERIES[name]
        for name in (
            "dwi",
            "adc",
            "flair",
        )
    },
    regions={"lesion": (1,)},
    layouts=("bids", "case-folders"),
    optional=("flair",),
    spellings={"label": ("msk", "mask")},
    preparation=Preparation(reference="dwi", resampled=("flair",)),
    training={"max_steps": 10_000, "data": {"patch_size": [64, 64, 48], "batch_size": 2}},
    protocol="isles2022",
    phantom="stroke",
    words={"lesion": "stroke lesion"},
    codes={"lesion": ("55641003", "Infarct")},
)

# 2015, sub-acute (SISS): four sequences on one grid, without the skull.
ISLES_2015 = replace(
    ISLES,
    name="isles2015",
    channels=("flair", "t1", "t2", "dwi"),
    series={
        name: _SERIES[name]
        for name in (
            "flair",
            "t1",
            "t2",
            "dwi",
        )
    },
    layouts=("vsd",),
    optional=(),
    spellings={"label": ("ot",)},
    preparation=Preparation(),
    protocol="segmentation",
    phantom=None,
)

# 2016 and 2017: diffusion and maps of the first hours' perfusion on one grid, the lesion of months
# later; the series that the maps were made of (4DPWI) is left out.
ISLES_2017 = replace(
    ISLES_2015,
    name="isles2017",
    channels=("adc", "mtt", "rcbf", "rcbv", "tmax", "ttp"),
    series={name: _SERIES[name] for name in ("adc",)},
    words={"lesion": "final infarct", "rcbf": "rCBF", "rcbv": "rCBV", "tmax": "Tmax"},
)

# 2024: CT and perfusion maps of the first session, on the plain CT's grid; the lesion is drawn on
# the MRI of the second, which would give the answer away.
ISLES_2024 = replace(
    ISLES,
    name="isles2024",
    channels=("ncct", "cta", "cbf", "cbv", "mtt", "tmax"),
    series={},
    layouts=("bids",),
    optional=(),
    spellings={
        "ncct": ("ses-01_ncct",),
        **{name: (f"ses-01_space-ncct_{name}",) for name in ("cta", "cbf", "cbv", "mtt", "tmax")},
        "label": ("ses-02_space-ncct_lesion-msk", "ses-02_lesion-msk"),
    },
    preparation=Preparation(intensity="ct", crop_to_foreground=False),
    protocol="isles2024",
    phantom=None,
    words={"lesion": "final infarct", "ncct": "CT without contrast agent", "tmax": "Tmax"},
)

# 2026 and the ATLAS that it grew from: T1 alone, by centre (`sub-r001s001`).
ISLES_2026 = replace(
    ISLES,
    name="isles2026",
    channels=("t1",),
    series={name: _SERIES[name] for name in ("t1",)},
    layouts=("bids",),
    optional=(),
    spellings={"t1": ("t1w",), "label": ("desc-t1lesion_mask", "label-lesion_mask")},
    site=r"(?i)sub-(r\d+)s\d+",
    preparation=Preparation(),
    protocol="isles2026",
    phantom=None,
)
