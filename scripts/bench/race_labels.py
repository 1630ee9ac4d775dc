"""Labels of regions that lie within one another, as contestants of race.py paint them."""

from collections.abc import Iterable, Sequence


def own_values(regions: Iterable[Sequence[int]]) -> list[int]:
    """The label value that paints each region: its first that no region after it has.

    Args:
        regions: Label values of each, from the largest region to the smallest.
    """
    groups = list(regions)
    return [
        next(value for value in group if all(value not in inner for inner in groups[place + 1 :]))
        for place, group in enumerate(groups)
    ]
