import json
from pathlib import Path

import pytest

from inspire_med.cases.case import Case
from inspire_med.cases.named_splits import named_in, split_by_file
from inspire_med.errors import InputError


def cases(count):
    names = [f"c{number:03d}" for number in range(count)]
    return tuple(Case(name, name, {}, (4, 4), (1.0, 1.0), Path("m.png")) for name in names)


@pytest.fixture
def folds(tmp_path):
    """A file of folds, the cases by their numbers."""

    def write(*sides):
        named = [
            {
                key: [f"c{n:03d}" for n in numbers]
                for key, numbers in zip(("train", "val"), side, strict=True)
            }
            for side in sides
        ]
        (tmp_path / "splits_final.json").write_text(json.dumps(named))
        return tmp_path / "splits_final.json"

    return write


def test_a_published_list_names_the_validation_cases(tmp_path):
    (tmp_path / "val.txt").write_text("c001\nc003.jpg\n\n")

    split = split_by_file(cases(5), tmp_path / "val.txt")

    assert [case.fold for case in split] == [None, 0, None, 0, None]


def test_refuses_a_list_that_names_strangers(tmp_path):
    (tmp_path / "val.txt").write_text("c001\nc999\n")

    with pytest.raises(InputError, match=r"val\.txt: names c999, which is not among the cases"):
        split_by_file(cases(5), tmp_path / "val.txt")


def test_refuses_an_empty_or_missing_list(tmp_path):
    (tmp_path / "val.txt").write_text("\n")

    with pytest.raises(InputError, match=r"val\.txt: names no case"):
        split_by_file(cases(5), tmp_path / "val.txt")
    with pytest.raises(InputError, match=r"no\.txt: no such file"):
        split_by_file(cases(5), tmp_path / "no.txt")


def test_reads_a_list_with_the_mark_and_the_line_ends_of_windows(tmp_path):
    (tmp_path / "val.txt").write_bytes(b"\xef\xbb\xbfc001\r\nc003\r\n")

    split = split_by_file(cases(5), tmp_path / "val.txt")

    assert [case.fold for case in split] == [None, 0, None, 0, None]


def test_a_list_may_name_volumes_with_their_suffix(tmp_path):
    (tmp_path / "val.txt").write_text("c001.nii.gz\nc003.nii\n")

    split = split_by_file(cases(5), tmp_path / "val.txt")

    assert [case.fold for case in split] == [None, 0, None, 0, None]


def test_names_are_ids_with_or_without_suffix(tmp_path):
    (tmp_path / "names.txt").write_text("a.png\n\n b \n")

    assert named_in(tmp_path / "names.txt", {"a", "b", "c"}) == {"a", "b"}
    with pytest.raises(InputError, match="names a, which is not among the cases"):
        named_in(tmp_path / "names.txt", {"b", "c"})


def test_nnunets_file_says_every_fold(folds):
    file = folds(([1, 2, 3], [0]), ([0, 2, 3], [1]), ([0, 1, 3], [2]))

    assert [case.fold for case in split_by_file(cases(4), file)] == [0, 1, 2, None]


@pytest.mark.parametrize(
    ("sides", "sentence"),
    [
        (
            [([1, 2], [0]), ([7], [1])],
            r"splits_final.json: names c007, which is not among the cases",
        ),
        ([([1], [0])], "its fold 0 does not train on all cases but those it validates on; name"),
        ([([1, 2], [0]), ([1, 2], [0])], "validates c000 in the folds 0 and 1; keep one"),
        ([], "splits_final.json: names no case; list the ids of each fold"),
    ],
)
def test_a_file_of_folds_that_does_not_fit_is_refused(folds, sides, sentence):
    with pytest.raises(InputError, match=sentence):
        split_by_file(cases(3), folds(*sides))


@pytest.mark.parametrize("content", ['{"train": []}', '[{"train": [1], "val": []}]', "[[]]"])
def test_a_file_of_another_form_is_refused(tmp_path, content):
    (tmp_path / "f.json").write_text(content)

    with pytest.raises(InputError, match=r"f.json: not a list of folds \(.*; write it as"):
        split_by_file(cases(2), tmp_path / "f.json")
