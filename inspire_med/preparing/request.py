"""Request: whether what is asked for makes sense, alone and together, before any file is opened."""

from dataclasses import fields

from inspire_med.errors import InputError
from inspire_med.preparing.options import PrepareOptions
from inspire_med.tasks.find import task_named


def check_request(options: PrepareOptions) -> None:
    """Refuse options that make no sense, or would do nothing beside the others.

    Raises:
        InputError: Names the first.
    """
    if options.download is not None:
        _refuse_beside_download(options)
        return
    if not options.task:
        raise InputError("--task: missing; say what the set is for, such as brats, isles or polyp.")
    _refuse_numbers(options)
    if options.register and not task_named(options.task, options.source).preparation.resampled:
        raise InputError(f"--register: {options.task} lies on one grid already; leave it out.")
    if options.phantom is None:
        _refuse_beside_source(options)
    else:
        _refuse_beside_phantom(options)
    if options.written_as is not None:
        _refuse_beside_form(options)
    if options.plan is not None and (options.written_as or options.flaws):
        raise InputError("--plan: lies beside a manifest, and none is written here; leave it out.")


def _refuse_numbers(options: PrepareOptions) -> None:
    if options.folds is not None and options.folds < 2:
        raise InputError(
            f"--folds {options.folds}: one fold is validated on while others train, so there are "
            "two or more; give 2 or more, or leave it out and train on all cases by --fold none."
        )
    if options.workers < 1:
        raise InputError(f"--workers {options.workers}: not a number of threads; give 1 or more.")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: below zero; give 0 or more.")


def _refuse_beside_download(options: PrepareOptions) -> None:
    """Whoever asks for more would think it done."""
    idle = PrepareOptions(out=options.out, download=options.download)
    for option in fields(options):
        if getattr(options, option.name) != getattr(idle, option.name):
            raise InputError(
                f"--download: fetches and does no more; leave out --{option.name}, and go on with "
                "the command that it prints."
            )


def _refuse_beside_source(options: PrepareOptions) -> None:
    if options.flaws or options.phantom_size != "small":
        given = "--flaws" if options.flaws else "--phantom_size"
        raise InputError(f"{given}: is of made cases; give --phantom N, or leave it out.")
    if not options.source:
        raise InputError("--source: missing; give the data set's folder, or --phantom N.")


def _refuse_beside_phantom(options: PrepareOptions) -> None:
    if options.source:
        raise InputError("--source: a phantom is made from nothing; leave out one of the two.")
    if options.channel:
        raise InputError("--channel: names series of DICOM studies; leave it out with --phantom.")
    if options.check or options.repair:
        raise InputError("--check, --repair: phantoms are made as they should be; leave it out.")


def _refuse_beside_form(options: PrepareOptions) -> None:
    if options.phantom is not None:
        raise InputError("--as: goes with --source; prepare the phantoms first, then write them.")
    if options.check or options.repair:
        raise InputError("--as: goes without --check and --repair; check and mend the set first.")
