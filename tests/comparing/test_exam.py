from dataclasses import replace
from pathlib import Path

import nibabel
import pytest
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.comparing.exam import Exam, acquainted_note, load_tests
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


@pytest.mark.parametrize("compression", [None, 1])
def test_refuses_a_case_that_may_be_trained_on(other_discs, disc_images, trained_on, compression):
    """Other names, folders and compression hide no copy."""
    original = disc_images.parent / "images" / "disc1.png"
    copy = other_discs.parent / "images" / "disc3.png"
    copy.write_bytes(original.read_bytes())
    if compression is not None:
        with Image.open(original) as picture:
            picture.save(copy, compress_level=compression)
        assert copy.read_bytes() != original.read_bytes()

    with pytest.raises(InputError, match=r"others.json: its case disc3 has an image of case disc1"):
        load_tests([other_discs], trained_on)


def test_refuses_a_volume_that_may_be_trained_on_whichever_way_it_lies(ball_volumes, tmp_path):
    trained_on = Manifest.load(ball_volumes)
    first, second, *_ = trained_on.cases
    turned = dict(second.images)
    for channel, path in first.images.items():
        turned[channel] = tmp_path / path.name
        nibabel.save(nibabel.as_closest_canonical(nibabel.load(path)), turned[channel])
    file = tmp_path / "test.json"
    replace(trained_on, cases=(replace(second, images=turned),)).save(file)

    others = replace(trained_on, cases=trained_on.cases[:1])
    with pytest.raises(InputError, match=f"case {second.id} has an image of case {first.id}"):
        load_tests([file], others)


def test_no_case_is_opened_that_cannot_be_a_copy(other_discs, trained_on):
    gone = [replace(case, images={"red": Path("gone.png")}) for case in trained_on.cases]
    larger = tuple(replace(case, shape=(480, 400)) for case in gone)

    assert load_tests([], replace(trained_on, cases=tuple(gone))) == ()
    assert len(load_tests([other_discs], replace(trained_on, cases=larger))) == 1


def test_patients_of_the_training_are_counted_in_a_test_set(changed, disc_images):
    """A patient by the name of the case, as where a set names none, is no acquaintance."""
    one, two, *others = Manifest.load(disc_images).cases
    videos = (replace(one, patient="video"), replace(two, patient="other"), *others)
    exam = Exam("t", Path("t.json"), Manifest.load(changed(cases=videos)), None)
    trained_on = Manifest.load(disc_images)

    assert acquainted_note(exam, trained_on) == ""
    filmed = tuple(replace(case, patient="video") for case in trained_on.cases)
    assert acquainted_note(exam, replace(trained_on, cases=filmed)).startswith(
        "6 test cases, 1 of them of patients (or videos) of whom"
    )
    hidden = tuple(replace(case, label=None) for case in filmed)
    assert acquainted_note(exam, replace(trained_on, cases=hidden)) == ""


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
    with pytest.raises(InputError, match="option --test: 'a b' is to name a folder"):
        load_tests([changed("a b.json")], trained_on)


def test_refuses_two_sets_of_one_name(other_discs, trained_on):
    with pytest.raises(InputError, match="option --test: two files are called .*; rename one"):
        load_tests([other_discs, other_discs], trained_on)
