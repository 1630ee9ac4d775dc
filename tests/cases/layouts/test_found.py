from pathlib import Path

import pytest

from inspire_med.cases.layouts.found import FoundCase, joined
from inspire_med.errors import InputError

CHANNELS = ("dwi", "adc")
DWI, ADC, LABEL = (Path(f"/set/{name}.nii.gz") for name in ("dwi", "adc", "msk"))


def test_images_and_label_of_one_case_are_joined_in_any_order():
    parts = [
        FoundCase("s", "s", {}, LABEL),
        FoundCase("s", "s", {"adc": ADC}),
        FoundCase("other", "other", {"dwi": DWI}),
        FoundCase("s", "s", {"dwi": DWI}),
    ]

    case, other = joined(parts, CHANNELS)

    assert list(case.images.items()) == [("dwi", DWI), ("adc", ADC)]
    assert case.label == LABEL
    assert other.label is None


@pytest.mark.parametrize(
    "twice", [FoundCase("s", "s", {}, LABEL), FoundCase("s", "s", {"dwi": DWI})]
)
def test_refuses_two_cases_of_one_name(twice):
    with pytest.raises(InputError, match="its case s has the name of the one at .*; rename one"):
        joined([twice, twice], CHANNELS)


def test_ids_that_would_share_a_file_are_refused():
    parts = [FoundCase("s", "s", {"dwi": DWI}), FoundCase("s_prob", "s", {"dwi": ADC})]

    with pytest.raises(InputError, match="case s_prob: its mask .* probabilities of s;"):
        joined(parts, CHANNELS)
