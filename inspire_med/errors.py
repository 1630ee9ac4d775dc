"""Errors: the one exception that a user's own request or file can cause."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """The request or the input is at fault; the message is for the user's eyes.

    One sentence: which file or option, what is wrong with it, what to do. Commands print it and
    exit with status 2; library callers get it as a `ValueError`.
    """


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """The end of a sentence on an unknown word: the known one nearest to it, else `otherwise`."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else otherwise
