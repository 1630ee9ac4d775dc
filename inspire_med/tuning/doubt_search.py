"""Doubt search: how sure to be of a model, by cases that it has not trained on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from inspire_med.evaluation.batch import map_cases
from inspire_med.imaging.masks import Regions
from inspire_med.inference.doubt import Doubt
from inspire_med.inference.postprocess import Postprocessing
from inspire_med.tuning.calibration import Histogram, curve, fit_temperature, histogram_of, total
from inspire_med.tuning.example import Example, groups_of
from inspire_med.tuning.referral import Referral, judge, refer

PASSES = 2  # over the cases


@dataclass(frozen=True)
class DoubtSearch:
    """What was found.

    Args:
        temperature: Of the probabilities.
        histogram: Of all voxels by their probability.
        referral: Which cases a person should look at.
        rules: What was done to their masks.
    """

    temperature: float
    histogram: Histogram
    referral: Referral
    rules: Postprocessing

    @property
    def doubt(self) -> Doubt:
        """What predict goes by."""
        measured = {"calibration": curve(self.histogram), **self.referral.to_json()}
        return Doubt(self.temperature, self.referral.limit, self.rules.regions, measured)


def search_doubt(
    examples: Sequence[Example],
    regions: Regions,
    rules: Postprocessing,
    *,
    share: float,
    workers: int,
    advance: Callable[[], None],
) -> DoubtSearch:
    """Fit the temperature, and the confidence below which a person should look at a case.

    Args:
        examples: Cases predicted by networks that have not seen them, at least two.
        regions: Of the models, by name.
        rules: What is done to the masks.
        share: Of the cases that a person is to look at.
        workers: Processes.
        advance: Hears when a pass is done with a case.
    """
    histogram = total(map_cases(partial(histogram_of, regions), examples, workers, advance))
    temperature = fit_temperature(histogram)
    judged = map_cases(partial(judge, regions, rules, temperature), examples, workers, advance)
    return DoubtSearch(temperature, histogram, refer(judged, groups_of(examples), share), rules)
