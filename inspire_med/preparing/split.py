"""Split: which folds prepare is asked for."""

from inspire_med.cases.leaks import kinds_named
from inspire_med.cases.splits import Split
from inspire_med.preparing.options import PrepareOptions


def split_asked_for(options: PrepareOptions) -> Split:
    """The request's folds.

    Raises:
        InputError: If a leak is allowed that there is no such kind of.
    """
    return Split(
        folds=options.folds,
        seed=options.seed,
        group_by=options.group_by,
        file=options.split,
        allowed=kinds_named(options.allow_leak),
    )
