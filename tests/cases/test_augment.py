import pickle

import pytest
import torch

from inspire_med.cases.augment import augmentation


def sample(name):
    size = (32, 40) if name == "picture" else (16, 18, 14)
    image = torch.zeros(3, *size)
    image[:, 4:-4, 4:-4] = torch.randn(3, *[s - 8 if i < 2 else s for i, s in enumerate(size)])
    target = torch.zeros(2, *size)
    target[:, 6:-6, 6:-6] = 1
    return {"image": image, "target": target}


@pytest.fixture(params=["usual", "strong"])
def alter(request, name):
    return augmentation(name, request.param)


@pytest.mark.parametrize("name", ["volume", "picture"])
class TestAugmentation:
    def test_one_seed_one_result_whatever_came_before(self, name, alter):
        given = sample(name)
        first = alter(given, seed=5)
        for seed in range(3):
            alter(given, seed=seed)

        again, fresh = alter(given, seed=5), pickle.loads(pickle.dumps(alter))(given, seed=5)

        assert torch.equal(first["image"], again["image"])
        assert torch.equal(first["image"], fresh["image"])
        assert torch.equal(first["target"], fresh["target"])

    def test_seeds_differ(self, name, alter):
        given = sample(name)

        assert not torch.equal(alter(given, seed=1)["image"], alter(given, seed=2)["image"])

    def test_keeps_shape_and_a_target_of_0_and_1(self, name, alter):
        given = sample(name)
        for seed in range(20):
            altered = alter(given, seed=seed)
            assert altered["image"].shape == given["image"].shape
            assert set(torch.unique(altered["target"]).tolist()) <= {0.0, 1.0}
            assert torch.isfinite(altered["image"]).all()
            assert type(altered["image"]) is type(altered["target"]) is torch.Tensor

    def test_leaves_the_given_sample_alone(self, name, alter):
        given = sample(name)
        before = given["image"].clone()
        for seed in range(5):
            alter(given, seed=seed)

        assert torch.equal(given["image"], before)

    def test_moves_image_and_target_together(self, name, alter):
        given = sample(name)
        # An image that is its own target: after any movement the two must still agree.
        given["image"] = 4 * given["target"][:1].repeat(3, *[1] * (given["target"].ndim - 1))
        for seed in range(20):
            altered = alter(given, seed=seed)
            agree = (altered["image"].mean(0) > 2) == (altered["target"][0] > 0)
            assert agree.float().mean() > 0.96


def test_none_alters_nothing():
    assert augmentation("none") is None
    assert augmentation("picture", "none") is None
