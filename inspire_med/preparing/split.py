"""Split: which folds and which cases prepare is asked for."""

from pathlib import Path

from inspire_med.cases.leaks import kinds_named
from inspire_med.cases.published.splits import part_names, split_names
from inspire_med.cases.splits import Split
from inspire_med.errors import InputError, did_you_mean
from inspire_med.preparing.options import PrepareOptions


def split_asked_for(options: PrepareOptions) -> Split:
    """The request's folds.

    Raises:
        InputError: If `--split` is neither a name nor a file or stands beside `--group_by`, or a
            leak is allowed that there is no such kind of.
    """
    if options.split is not None and options.group_by != "patient":
        raise InputError("--group_by: --split says the folds already; leave one of them out.")
    published = options.split if options.split in split_names() else None
    if options.split is not None and published is None:
        _refuse_no_file("split", options.split, split_names())
    if options.cases is not None and options.cases not in part_names():
        _refuse_no_file("cases", options.cases, part_names())
    return Split(
        folds=options.folds,
        seed=options.seed,
        group_by=options.group_by,
        published=published,
        file=Path(options.split) if options.split and not published else None,
        allowed=kinds_named(options.allow_leak),
    )


def _refuse_no_file(option: str, word: str, names: tuple[str, ...]) -> None:
    if not Path(word).exists():
        hint = did_you_mean(word, names, f"give a file, or one of {', '.join(names)}.")
        raise InputError(f"option --{option}: {word}: no such file, and no published name; {hint}")
