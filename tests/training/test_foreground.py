from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from inspire_med.cases.case import Case
from inspire_med.cases.patches import Sampling, TrainingSamples
from inspire_med.cases.store import Store
from inspire_med.errors import InputError
from inspire_med.tasks.task import Preparation
from inspire_med.training.foreground import refuse_nothing_to_learn

REGIONS = {"whole": (1, 2), "core": (2,)}


@pytest.fixture(params=["2d", "3d"])
def look(request, tmp_path, write_nifti):
    """Look at training cases whose masks hold these values; answers with what is said."""

    def written(number: int, value: int) -> Case:
        shape = (9, 8) if request.param == "2d" else (9, 8, 7)
        image, mask = np.arange(np.prod(shape)).reshape(shape), np.zeros(shape, np.uint8)
        mask.flat[17] = value
        ending = "png" if request.param == "2d" else "nii.gz"
        files = [tmp_path / f"{kind}{number}.{ending}" for kind in ("image", "mask")]
        for file, array in zip(files, (image, mask), strict=True):
            if request.param == "2d":
                Image.fromarray(array.astype(np.uint8)).save(file)
            else:
                write_nifti(file, array.astype(np.int16))
        spacing = (1.0,) * len(shape)
        return Case(f"case{number}", "", {"grey": files[0]}, shape, spacing, label=files[1])

    def make(*values: int) -> list[str]:
        preparation = Preparation(intensity="none", image_size=None)
        store = Store(tmp_path / "store", preparation, ["grey"], REGIONS)
        cases = [written(number, value) for number, value in enumerate(values)]
        samples = TrainingSamples(store, cases, sampling=Sampling(None), seed=0, length=9)
        experiment = SimpleNamespace(
            fabric=SimpleNamespace(global_rank=0, world_size=1, device=torch.device("cpu")),
            config=SimpleNamespace(fold=0, manifest=Path("set.json")),
            samples=samples,
            store=store,
            trained=SimpleNamespace(card=SimpleNamespace(regions=REGIONS)),
        )
        said = []
        refuse_nothing_to_learn(experiment, said.append)
        return said

    return make


def test_masks_without_any_region_are_refused(look):
    with pytest.raises(InputError) as caught:
        look(0, 0)

    assert str(caught.value) == (
        "set.json: there is nothing to learn, for none of the 2 training cases of fold 0 has a "
        "voxel of whole, core once it is prepared; check the masks and their label values, or "
        "choose another --fold."
    )


def test_a_region_that_no_case_has_is_said(look):
    assert look(0, 1) == [
        "warning: none of the 2 training cases of fold 0 has a voxel of core; it will not be "
        "learned"
    ]


def test_one_voxel_of_each_region_is_enough(look):
    assert look(0, 2) == []
