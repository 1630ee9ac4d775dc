import pytest

from inspire_med.imaging.normalisation import Normalisation
from inspire_med.networks.normalisation import normalisation_of


def test_efficientnet_lite_wants_minus_one_to_one():
    found = normalisation_of("efficientnet-lite1")

    assert found is not None
    assert found.statistics(("red", "green", "blue")) == {
        colour: {"mean": 127.0, "sd": 128.0} for colour in ("red", "green", "blue")
    }


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "efficientnet-b0", "efficientnet-b7"])
def test_others_want_the_statistics_of_imagenet(name):
    found = normalisation_of(name)

    assert found is not None
    mean, sd = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # torchvision's, of values in [0, 1]
    assert found.mean == pytest.approx([255 * value for value in mean])
    assert found.sd == pytest.approx([255 * value for value in sd])


def test_segresnet_leaves_it_to_the_task():
    assert normalisation_of("segresnet") is None


def test_a_grey_picture_is_taken_for_the_mean_of_the_colours():
    colours = Normalisation((1.0, 2.0, 6.0), (3.0, 4.0, 5.0))

    assert colours.statistics(("grey",)) == {"grey": {"mean": 3.0, "sd": 4.0}}
    assert colours.statistics(("r", "g", "b"))["b"] == {"mean": 6.0, "sd": 5.0}
