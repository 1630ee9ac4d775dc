from dataclasses import replace

import pytest

from inspire_med.cases.manifest import Manifest
from inspire_med.comparing.exam import load_tests
from inspire_med.errors import InputError


@pytest.fixture
def trained_on(disc_images):
    return Manifest.load(disc_images)


@pytest.fixture
def changed(disc_images, tmp_path):
    """Write the discs' manifest with other content."""

    def write(name="test.json", **content):
        discs = Manifest.load(disc_images)
        file = tmp_path / name
        replace(discs, **content).save(file)
        return file

    return write


def test_a_test_set_is_every_labelled_case_and_has_its_files_name(other_discs, trained_on):
    (exam,) = load_tests([other_discs], trained_on)

    assert exam.name == "others"
    assert exam.file == other_discs
    assert [case.id for case in exam.cases] == [f"disc{n}" for n in range(6)]
    assert exam.words == []


def test_refuses_a_case_that_may_be_trained_on(other_discs, disc_images, trained_on):
    """Other names and folders hide no copy."""
    copy = other_discs.parent / "images" / "disc3.png"
    copy.write_bytes((disc_images.parent / "images" / "disc1.png").read_bytes())

    with pytest.raises(InputError, match=r"others.json: its case disc3 has an image of case disc1"):
        load_tests([other_discs], trained_on)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"regions": {"polyp": (255,)}}, "its regions {'polyp': .255.*} is not that of the tr"),
        ({"channels": ("red",)}, r"its channels \['red'\] is not that of the training, \['red', "),
        ({"cases": ()}, "test.json: no case has a label"),
    ],
)
def test_refuses_a_set_of_another_kind(changed, trained_on, content, sentence):
    with pytest.raises(InputError, match=sentence):
        load_tests([changed(**content)], trained_on)


def test_refuses_a_set_of_another_task(trained_on, ball_volumes):
    with pytest.raises(InputError, match="its task brats is not that of the training, polyp"):
        load_tests([ball_volumes], trained_on)


def test_refuses_names_that_folders_cannot_have(changed, other_discs, trained_on):
    for files in ([changed("a b.json")], [other_discs, other_discs]):
        with pytest.raises(InputError, match=r"option --test: .* is also its set's; give each"):
            load_tests(files, trained_on)
