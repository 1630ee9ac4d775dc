"""Look-alike: images that nearly repeat each other, such as frames of one video."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspire_med.cases.case import Case

# Of 256. In CVC-ClinicDB one neighbouring frame in seven differs in fewer bits than this, no two
# frames of different videos in fewer than 36; frames with more motion stay unnoticed.
LOOK_ALIKE_BITS = 32


def picture_signature(picture: NDArray[np.uint8], side: int = 16) -> bytes:
    """Difference hash: is each cell of a `side` x `side` grid brighter than its left neighbour?

    256 bits; of unrelated images about a third differ.
    """
    grey = Image.fromarray(picture).convert("L").resize((side + 1, side), Image.Resampling.BOX)
    cells = np.asarray(grey)
    return np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes()


def look_alikes(cases: Sequence[Case], signatures: Sequence[bytes]) -> list[tuple[str, str]]:
    """Pairs of images that look alike although one may train while the other validates.

    Args:
        cases: The cases, with folds.
        signatures: Perceptual hash of each; empty ones are left out.
    """
    pairs: list[tuple[str, str]] = []
    bits = {
        i: np.unpackbits(np.frombuffer(signature, np.uint8)).astype(np.float32)
        for i, signature in enumerate(signatures)
        if signature
    }
    numbers = list(bits)
    if not numbers:
        return pairs
    matrix = np.stack([bits[i] for i in numbers])
    ones = matrix.sum(axis=1)
    for row, i in enumerate(numbers):
        distance = ones[row] + ones[row + 1 :] - 2 * matrix[row + 1 :] @ matrix[row]
        for other in np.flatnonzero(distance <= LOOK_ALIKE_BITS):
            j = numbers[row + 1 + int(other)]
            if cases[i].fold != cases[j].fold:
                pairs.append((cases[i].id, cases[j].id))
    return pairs
