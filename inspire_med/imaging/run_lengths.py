"""Run lengths: COCO's masks as text, checked because a malformed one can hang pycocotools.

Source: the format that pycocotools writes (https://github.com/cocodataset/cocoapi, maskApi.c).
"""

from typing import Any

_FIRST = ord("0")  # of the 64 characters used, each with six bits


def runs_of(counts: str | list[Any]) -> list[Any] | None:
    """Lengths of background and foreground in turn, column by column; None where text is no such.

    A number stands as groups of five bits, lowest first, the sixth bit saying that more follow and
    the fifth of the last group its sign; from the fourth number on the one two before is taken off.
    """
    if isinstance(counts, list):
        return counts
    runs: list[int] = []
    number = bits = 0
    for character in counts:
        group = ord(character) - _FIRST
        if not 0 <= group < 64:
            return None
        number |= (group & 31) << bits
        bits += 5
        if group & 32:
            continue
        if group & 16:
            number -= 1 << bits
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number = bits = 0
    return None if bits else runs


def fill(counts: str | list[Any], size: tuple[int, int]) -> bool:
    """Whether run lengths make up one mask of this (height, width)."""
    runs = runs_of(counts)
    if runs is None or not all(isinstance(run, int) and run >= 0 for run in runs):
        return False
    return sum(runs) == size[0] * size[1]
