"""Options: what prepare is asked for."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from jsonargparse import Namespace

from inspire_med.cli.parser import CommandParser
from inspire_med.errors import InputError
from inspire_med.tasks.find import task_named

Form = Literal["nnunet", "monai"]


@dataclass(frozen=True)
class PrepareOptions:
    """Find, check and index a data set where it lies; make phantoms; fetch published sets.

    Args:
        task: brats, isles or polyp; a YAML file of your own task; or what the source describes:
            `nnunet` (a raw folder, by its dataset.json) or `monai` (a datalist).
        out: manifest.json, or with --phantom or --download a new folder.
        source: Folders of data sets; a datalist for `monai`.
        download: Fetch a published set by its name, such as `kvasir-seg` or `msd-heart`, into
            --out instead.
        written_as: `--as`: another tool's form, written in place of a manifest.
        phantom: Make this many cases with known masks in --out instead.
        phantom_size: Of the made cases: `small`, for two cores, or `full`, on the releases' grids.
        flaws: Put these faults of real sets into the made one, or `all`; flaws.json lists them.
        folds: Folds, balanced, 2 or more; by default 5, or one a site with `--group_by site`.
        group_by: What never parts over folds: patients, sequences (videos) or sites.
        allow_leak: What a split may part all the same, and reports then say: any of
            `patient,sequence,duplicate`.
        seed: Of the folds and of the phantoms.
        cases: Which cases to use: a file of ids, one a line, or a part of a published split by its
            name, such as `pranet-train` or `pranet-test`; by default all.
        split: A published split by its name, `kvasir-official` or `pranet`; or a file of ids, one a
            line. What it holds out becomes fold 0 (validation). Or nnU-Net's `splits_final.json`.
        channels: Channels to use, in order; by default all there are.
        fill_missing: Fill a case's missing channels with zeros.
        register: ISLES: register FLAIR rigidly to DWI.
        plan: Also plan a training, for this machine (`auto`), two cores (`small`) or a big GPU
            (`large`).
        skip_bad: Leave bad cases out, named.
        check: Also say what is odd, and write it all beside --out as -check.csv and -check.html.
        repair: New folder for the set with mended copies of what is at fault; then it is used.
        workers: Threads that open files.
        overwrite: Replace what --out names.
    """

    out: Path
    task: str = ""
    source: tuple[Path, ...] = ()
    download: str | None = None
    written_as: Form | None = None
    phantom: int | None = None
    phantom_size: Literal["small", "full"] = "small"
    flaws: tuple[str, ...] = ()
    folds: int | None = None
    group_by: Literal["patient", "sequence", "site"] = "patient"
    allow_leak: str = ""
    seed: int = 0
    cases: str | None = None
    split: str | None = None
    channels: tuple[str, ...] | None = None
    fill_missing: bool = False
    register: bool = False
    plan: Literal["auto", "small", "large"] | None = None
    skip_bad: bool = False
    check: bool = False
    repair: Path | None = None
    workers: int = 2
    overwrite: bool = False


def make_parser(words: str) -> CommandParser:
    """The command's parser; `words` say what the command does."""
    parser = CommandParser(prog="inspire-med prepare", description=words)
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    by_hand: set[str | int] = {"source", "channels", "flaws", "plan", "skip_bad", "written_as"}
    parser.add_class_arguments(PrepareOptions, as_group=False, skip=by_hand)
    add = parser.add_argument
    add("--source", action="append", metavar="DIR", help="Folder of a data set; may be repeated.")
    add("--channels", nargs="+", help="Channels to use, in order; by default all there are.")
    words = "Faults of real sets to put into the made one, or all; flaws.json lists them."
    add("--flaws", nargs="+", metavar="FLAW", help=words)
    words = "Write a raw folder or a datalist, with this set's folds, in place of a manifest."
    add("--as", type=Form | None, default=None, help=words)
    words = (
        "Also plan a training: print its sizes, each with its reason, and write them beside the "
        "manifest; for this machine (auto), two cores (small) or a big GPU (large)."
    )
    add("--plan", nargs="?", const="auto", choices=["auto", "small", "large"], help=words)
    words = "Leave bad cases out, named."
    add("--skip_bad", "--skip-bad", type=bool, default=False, help=words)
    return parser


def read_options(namespace: Namespace) -> PrepareOptions:
    """What was parsed.

    Raises:
        InputError: If a number makes no sense, or an option does not go with the task.
    """
    values = vars(namespace)
    values.pop("config")
    values["written_as"] = values.pop("as")
    source, channels = values["source"] or (), values["channels"]
    values["source"] = tuple(map(Path, [source] if isinstance(source, str) else source))
    values["channels"] = (channels,) if isinstance(channels, str) else channels and tuple(channels)
    flaws = values["flaws"] or ()
    values["flaws"] = (flaws,) if isinstance(flaws, str) else tuple(flaws)
    options = PrepareOptions(**values)
    _refuse_odd(options)
    return options


def _refuse_odd(options: PrepareOptions) -> None:
    if options.download is not None:
        _refuse_beside_download(options)
        return
    if not options.task:
        raise InputError("--task: missing; say what the set is for, such as brats, isles or polyp.")
    if options.folds is not None and options.folds < 2:
        raise InputError(
            f"--folds {options.folds}: one fold is validated on while others train, so there are "
            "two or more; give 2 or more, or leave it out and train on all cases by --fold none."
        )
    if options.workers < 1:
        raise InputError(f"--workers {options.workers}: not a number of threads; give 1 or more.")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: below zero; give 0 or more.")
    if options.register and not task_named(options.task, options.source).preparation.resampled:
        raise InputError(f"--register: {options.task} lies on one grid already; leave it out.")
    _refuse_odd_phantom(options)
    _refuse_odd_form(options)
    if options.plan is not None and (options.written_as or options.flaws):
        raise InputError("--plan: lies beside a manifest, and none is written here; leave it out.")
    if options.phantom is None and not options.source:
        raise InputError("--source: missing; give the data set's folder, or --phantom N.")


def _refuse_beside_download(options: PrepareOptions) -> None:
    """Whoever asks for more would think it done."""
    idle = PrepareOptions(out=options.out, download=options.download)
    for option in fields(options):
        if getattr(options, option.name) != getattr(idle, option.name):
            raise InputError(
                f"--download: fetches and does no more; leave out --{option.name}, and go on with "
                "the command that it prints."
            )


def _refuse_odd_phantom(options: PrepareOptions) -> None:
    if options.phantom is not None and options.source:
        raise InputError("--source: a phantom is made from nothing; leave out one of the two.")
    if options.phantom is not None and (options.check or options.repair):
        raise InputError("--check, --repair: phantoms are made as they should be; leave it out.")
    if options.phantom is None and (options.flaws or options.phantom_size != "small"):
        given = "--flaws" if options.flaws else "--phantom_size"
        raise InputError(f"{given}: is of made cases; give --phantom N, or leave it out.")


def _refuse_odd_form(options: PrepareOptions) -> None:
    if options.written_as is None:
        return
    if options.phantom is not None:
        raise InputError("--as: goes with --source; prepare the phantoms first, then write them.")
    if options.check or options.repair:
        raise InputError("--as: goes without --check and --repair; check and mend the set first.")
