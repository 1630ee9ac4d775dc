import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.protocols import protocol


@pytest.mark.parametrize(
    ("unknown", "meant"),
    [
        ("brats2024-men", "brats2025-men"),  # by letters brats2024-menrt, another challenge
        ("isles2025", "isles2026"),
        ("brats2027-goat", "brats2026-goat"),
        ("polyp-endocv2020", "polyp-endocv2021"),
        ("segmentation-border-mxa", "segmentation-border-max"),
    ],
)
def test_the_same_challenge_of_another_year_is_named_before_another(unknown, meant):
    with pytest.raises(InputError, match=rf"unknown protocol '{unknown}'; did you mean {meant}\?"):
        protocol(unknown)
