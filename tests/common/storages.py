"""Ways in which one volume can be stored: all orders and directions of its axes."""

import itertools

import numpy as np

ALL_CODES = [
    "".join(pair[side] for pair, side in zip(order, sides, strict=True))
    for order in itertools.permutations(("LR", "PA", "IS"))
    for sides in itertools.product((0, 1), repeat=3)
]
# LAS and tilted, with unlike voxel sizes: nothing about it is symmetric.
OBLIQUE = np.array(
    [
        [-1.99, -0.12, 0.03, 40.0],
        [-0.11, 1.95, -0.83, -31.0],
        [0.02, 0.41, 3.9, -17.0],
        [0, 0, 0, 1],
    ]
)
