import json

import pytest

from inspire_med.errors import InputError
from inspire_med.tasks.datalist import is_datalist, read_datalist

CASE = {"image": "a.nii.gz", "label": "b.nii.gz"}


def write(folder, content):
    path = folder / "list.json"
    path.write_text(json.dumps(content))
    return path


def test_validation_is_fold_0_and_testing_is_for_prediction(tmp_path):
    path = write(
        tmp_path, {"training": [CASE | {"fold": 2}], "validation": [CASE], "testing": [CASE]}
    )

    assert [entry.fold for entry in read_datalist(path)[1]] == [2, 0]
    assert [entry.fold for entry in read_datalist(path, with_test=True)[1]] == [2, 0, None]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"training": [{"image": 3}]}, r"Expected `str \| array`, got `int` - at `\$.training"),
        ({"training": [{"image": [3]}]}, "Expected `str`, got `int`"),
        ({"training": [{"image": []}]}, "Expected `array` of length >= 1"),
        ({"training": [{"label": "b"}]}, "missing required field `image`"),
        ({"training": [CASE], "validation": ["a"]}, "Expected `object`, got `str`"),
        ({"training": [CASE | {"fold": "a"}]}, r"Expected `int \| null`, got `str`"),
        ({"training": [CASE | {"fold": -1}]}, "Expected `int` >= 0"),
        ({"training": [CASE | {"fold": True}]}, r"Expected `int \| null`, got `bool`"),
        ({"training": "abc"}, "Expected `array`, got `str`"),
        ({"training": []}, "names no case"),
        ([CASE], "Expected `object`, got `array`"),
    ],
)
def test_names_what_is_wrong_with_the_list(tmp_path, content, sentence):
    with pytest.raises(InputError, match=rf"list\.json: no datalist \(.*{sentence}.*\); write"):
        read_datalist(write(tmp_path, content))


def test_tells_a_datalist_from_a_manifest(tmp_path):
    assert is_datalist(write(tmp_path, {"testing": [CASE]}))
    assert not is_datalist(write(tmp_path, {"format": 1, "cases": []}))
    assert not is_datalist(write(tmp_path, [CASE]))
