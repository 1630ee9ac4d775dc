"""Doubt search: how sure to be of a model, by cases that it has not trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from inspire_med.evaluation.batch import map_cases
from inspire_med.imaging.masks import Regions
from inspire_med.inference.doubt import Calibration, Doubt
from inspire_med.inference.postprocess import Postprocessing
from inspire_med.tuning.calibration import (
    Said,
    curve,
    expected_error,
    fit,
    histogram_of,
    total,
    tried,
)
from inspire_med.tuning.example import Example, groups_of
from inspire_med.tuning.referral import Referral, outcome_of, refer

PASSES = 2  # over the cases


@dataclass(frozen=True)
class DoubtSearch:
    """What was found.

    Args:
        calibration: Of the probabilities.
        said: All voxels as the networks say.
        tried: Each fold's voxels, calibrated by all others.
        referral: Which cases a person should look at.
        rules: What was done to their masks.
    """

    calibration: Calibration
    said: Said
    tried: Sequence[Said]
    referral: Referral
    rules: Postprocessing

    @property
    def doubt(self) -> Doubt:
        """What predict goes by."""
        before, after = self.errors
        measured = {
            "calibration": curve([self.said]),
            "calibrated": curve(self.tried),
            "expected_calibration_error": {"as_said": before, "calibrated": after},
            **self.referral.to_json(),
        }
        own = self.calibration
        limit = self.referral.limit
        return Doubt(own.temperature, own.bias, limit, self.rules.regions, measured)

    @property
    def errors(self) -> tuple[float, float]:
        """Expected calibration error as the networks say, and calibrated by the other folds."""
        return expected_error([self.said]), expected_error(self.tried)


def search_doubt(
    examples: Sequence[Example],
    regions: Regions,
    rules: Postprocessing,
    *,
    share: float,
    workers: int,
    advance: Callable[[], None],
) -> DoubtSearch:
    """Fit the calibration, and the confidence below which a person should look at a case.

    Args:
        examples: Cases predicted by networks that have not seen them, at least two.
        regions: Of the models, by name.
        rules: What is done to the masks.
        share: Of the cases that a person is to look at.
        workers: Processes.
        advance: Hears when a pass is done with a case.
    """
    groups = groups_of(examples)
    histograms = map_cases(partial(histogram_of, regions), examples, workers, advance)
    calibration = fit(total(histograms))
    outcomes = map_cases(
        partial(outcome_of, regions, rules, calibration), examples, workers, advance
    )
    referral = refer(outcomes, groups, share)
    said = Said(total(histograms))
    return DoubtSearch(calibration, said, tried(histograms, groups), referral, rules)
