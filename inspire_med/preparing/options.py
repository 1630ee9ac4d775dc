"""Options: what prepare is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jsonargparse import Namespace

from inspire_med.cli.parser import CommandParser

Form = Literal["nnunet", "monai"]


@dataclass(frozen=True)
class PrepareOptions:
    """Find, check and index a data set where it lies; make phantoms; fetch published sets.

    Args:
        task: brats, isles or polyp; a YAML file of your own task; or what the source describes:
            `nnunet` (a raw folder, by its dataset.json) or `monai` (a datalist).
        out: manifest.json, or with --phantom or --download a new folder.
        source: Folders of data sets, or zips of such, which are unpacked beside --out; a datalist
            for `monai`.
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
        channel: `--channel NAME=SERIES`, repeatable: the DICOM series of a channel in every study,
            by its description, protocol or UID; `*` stands for anything.
        fill_missing: Fill a case's missing channels with zeros.
        register: ISLES: register FLAIR rigidly to DWI.
        plan: Also plan a training, for this machine (`auto`), two cores (`small`) or a big GPU
            (`large`).
        skip_bad: Leave bad cases out, named.
        check: Also say what is odd, and write it all beside --out as -check.csv and -check.html.
        repair: New folder for the set with mended copies of what is at fault; then it is used.
        workers: Threads that open files.
        overwrite: Replace what --out names, where prepare wrote it.
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
    channel: tuple[str, ...] = ()
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
    by_hand: set[str | int] = {
        "source",
        "channels",
        "channel",
        "flaws",
        "plan",
        "skip_bad",
        "written_as",
    }
    parser.add_class_arguments(PrepareOptions, as_group=False, skip=by_hand)
    add = parser.add_argument
    add("--source", action="append", metavar="DIR", help="Folder of a data set; may be repeated.")
    add("--channels", nargs="+", help="Channels to use, in order; by default all there are.")
    words = (
        "The DICOM series of a channel in every study: its description, protocol or UID, with * "
        "for anything; may be repeated."
    )
    add("--channel", action="append", metavar="NAME=SERIES", help=words)
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
    """What was parsed, with lists as such however they were written."""
    values = vars(namespace)
    values.pop("config")
    values["written_as"] = values.pop("as")
    values["source"] = tuple(map(Path, _several(values["source"])))
    values["flaws"] = _several(values["flaws"])
    values["channel"] = _several(values["channel"])
    values["channels"] = _several(values["channels"]) or None
    return PrepareOptions(**values)


def _several(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """A list from words or a YAML file, where one alone may stand without brackets."""
    return (value,) if isinstance(value, str) else tuple(value or ())
