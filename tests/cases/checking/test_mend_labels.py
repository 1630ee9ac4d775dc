import numpy as np
import pytest

from inspire_med.cases.checking.mend_labels import whole_labels
from inspire_med.errors import InputError

BRATS = (0, 1, 2, 4)


@pytest.mark.parametrize(
    ("array", "values", "labels", "done"),
    [
        ([0, 1.05, 3.95, 2], BRATS, [0, 1, 4, 2], ["rounded to whole numbers"]),
        ([0, 1, 2, 4], BRATS, [0, 1, 2, 4], []),
        ([0, 0.49, 0.5, 1], (0, 1), [0, 0, 1, 1], ["fractions taken as label from one half on"]),
        ([0, 255, 255, 0], (0, 1), [0, 1, 1, 0], ["label 255 written as 1"]),
        ([0, 0, 0, 0], (0, 1), [0, 0, 0, 0], []),
    ],
)
@pytest.mark.parametrize("shape", [(2, 2), (4, 1, 1)])
def test_labels_are_what_was_meant(array, values, labels, done, shape):
    found, said = whole_labels(np.reshape(array, shape), values, "x")

    assert np.array_equal(found, np.reshape(labels, shape))
    assert found.dtype == np.uint8
    assert said == done


@pytest.mark.parametrize(
    ("array", "values", "words"),
    [
        ([0, 1.5], BRATS, "between labels"),
        ([0, 0.5, 2], (0, 1), "between labels"),
        ([-0.5, 1], (0, 1), "between labels"),
        ([-1, 1], (0, 1), "negative values"),
        ([0, 3], BRATS, "holds label 3"),
        ([0, 1, 2], (0, 1), "holds label 2"),
    ],
)
def test_what_would_be_a_guess_is_refused(array, values, words):
    with pytest.raises(InputError, match=words):
        whole_labels(np.array(array), values, "x")
