from dataclasses import replace
from pathlib import Path

import nibabel
import pytest
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.comparing.exam import load_tests
from inspire_med.errors import InputError


@pytest.fixture
def trained_on(disc_images):
    return Manifest.load(disc_images)


@pytest.fixture
def changed(disc_images, tmp_path):
    """Write the discs' manifest with other content."""

    def write(name="test.json", manifest=None, **content):
        file = tmp_path / name
        replace(manifest or Manifest.load(disc_images), **content).save(file)
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

    with pytest.raises(InputError, match=r"others.json: 1 of the 6 images tested on .* cases disc"):
        load_tests([other_discs], trained_on, ["patient", "sequence"])
    (exam,) = load_tests([other_discs], trained_on, ["duplicate"])
    assert "such as that of cases disc3 and disc1; strangers may be harder" in exam.leaks[0]


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
    with pytest.raises(InputError, match=f"such as that of cases {second.id} and {first.id}; keep"):
        load_tests([file], others)


def test_no_case_is_opened_that_cannot_be_a_copy(other_discs, trained_on):
    gone = [replace(case, images={"red": Path("gone.png")}) for case in trained_on.cases]
    larger = tuple(replace(case, shape=(480, 400)) for case in gone)

    assert load_tests([], replace(trained_on, cases=tuple(gone))) == ()
    assert len(load_tests([other_discs], replace(trained_on, cases=larger))) == 1


def test_refuses_videos_that_are_trained_on_and_says_so_where_they_may_be(
    changed, trained_on, other_discs
):
    """A patient by the name of the case, as where a set names none, is no acquaintance."""
    video = {"patient": "video", "sequence": "video"}
    filmed = replace(trained_on, cases=tuple(replace(case, **video) for case in trained_on.cases))
    others = Manifest.load(other_discs)
    one, two, *more = others.cases
    test = changed(
        manifest=others, cases=(replace(one, **video), replace(two, sequence="other"), *more)
    )

    assert load_tests([test], trained_on)[0].leaks == ()
    hidden = tuple(replace(case, label=None) for case in filmed.cases)
    assert load_tests([test], replace(filmed, cases=hidden))[0].leaks == ()
    with pytest.raises(InputError, match=r"test.json: 1 of the 2 sequences tested on is also trai"):
        load_tests([test], filmed, ["patient"])
    (exam,) = load_tests([test], filmed, ["sequence"])
    assert "such as video (cases disc0 and disc0)" in exam.leaks[0]


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
