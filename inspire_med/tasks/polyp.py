"""Polyps in colonoscopy images."""

from inspire_med.tasks.task import Preparation, Task

POLYP = Task(
    name="polyp",
    spatial_dims=2,
    channels=("red", "green", "blue"),
    regions={"polyp": (1,)},
    layouts=("image-mask-folders", "video-folders"),
    preparation=Preparation(
        orientation=None,
        image_size=(352, 352),  # of the literature since PraNet (Fan 2020)
        intensity="rgb",
        crop_to_foreground=False,
    ),
    augmentation="picture",
    network="picture",
    training={"max_steps": 20_000, "data": {"patch_size": None, "batch_size": 16}},
    protocol="polyp-pranet",
    phantom="colon",
)
