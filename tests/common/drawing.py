"""What the tests of changes draw."""

import numpy as np


def drawn(change, sample, count=40):
    """A change made `count` times, by numbers of one generator."""
    random = np.random.default_rng(0)
    return [change(sample, random) for _ in range(count)]
