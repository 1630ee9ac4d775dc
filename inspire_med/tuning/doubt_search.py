"""Doubt search: how sure to be of a model, by cases that it has not trained on."""

from collections.abc import Callable, Sequence
from functools import partial

from inspire_med.evaluation.batch import map_cases
from inspire_med.imaging.masks import Regions
from inspire_med.inference.doubt import Doubt
from inspire_med.inference.postprocess import Postprocessing
from inspire_med.tuning.calibration import curve, fit_temperature, histogram_of, total
from inspire_med.tuning.example import Example
from inspire_med.tuning.referral import judge, refer

PASSES = 2  # over the cases


def search_doubt(
    examples: Sequence[Example],
    regions: Regions,
    rules: Postprocessing,
    *,
    share: float,
    workers: int,
    advance: Callable[[], None],
) -> Doubt:
    """Fit the temperature, and the confidence below which a person should look at a case.

    Args:
        examples: Cases predicted by networks that have not seen them.
        regions: Of the models, by name.
        rules: What is done to the masks.
        share: Of the cases that a person is to look at.
        workers: Processes.
        advance: Hears when a pass is done with a case.
    """
    histogram = total(map_cases(partial(histogram_of, regions), examples, workers, advance))
    temperature = fit_temperature(histogram)
    judged = map_cases(partial(judge, regions, rules, temperature), examples, workers, advance)
    limit, measured = refer(judged, share)
    return Doubt(temperature, limit, {"calibration": curve(histogram), **measured})
