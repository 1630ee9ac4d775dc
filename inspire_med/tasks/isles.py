"""ISLES 2022: stroke lesions in MRI, DWI and ADC on one grid and FLAIR on another."""

from inspire_med.tasks.task import Preparation, Task

ISLES = Task(
    name="isles",
    spatial_dims=3,
    channels=("dwi", "adc", "flair"),
    regions={"lesion": (1,)},
    layouts=("bids", "case-folders"),
    optional=("flair",),
    spellings={"label": ("msk", "mask")},
    preparation=Preparation(reference="dwi", resampled=("flair",)),
    training={"max_steps": 10_000, "data": {"patch_size": [64, 64, 48], "batch_size": 2}},
    protocol="isles2022",
    phantom="stroke",
    words={"lesion": "stroke lesion"},
)
