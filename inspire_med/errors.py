"""Errors: the one exception that a user's own request or file can cause."""


class InputError(ValueError):
    """The request or the input is at fault; the message is for the user's eyes.

    One sentence: which file or option, what is wrong with it, what to do. Commands print it and
    exit with status 2; library callers get it as a `ValueError`.
    """
