"""Options of predict."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jsonargparse import Namespace

from inspire_med.cli.parser import CommandParser
from inspire_med.errors import InputError


@dataclass(frozen=True)
class PredictOptions:
    """Masks on each case's own grid.

    Args:
        run: Run folders of `train` (their best checkpoints are used), or model folders; several
            predict together, by the mean of their probabilities.
        input: A manifest, a datalist, a folder of cases in any layout that `prepare` knows (labels
            are not needed), or one file: an image, a 4-D volume, a sequence beside its others, a
            file of a DICOM study, or a zip of such a folder.
        output: Folder for the masks: `<case id>.nii.gz`, or `<case id>.png` for images.
        channel: `--channel NAME=FILE` for each channel makes a case of these files, without
            --input; `--channel NAME=SERIES` beside it chooses a DICOM series by its description,
            protocol or UID.
        fold: With a manifest: only the cases of this fold.
        probabilities: Also write `<case id>_prob.nii.gz`, float32 with the regions along the last
            axis; for images `<case id>_prob.png`, where 255 stands for 1. Polyp models, and all
            whose task has a protocol that scores such maps, write them in any case.
        fill_missing: Predict cases that lack some channels, which are zero to the network; it is
            said, and stands in the record beside the masks.
        without: Channels to leave out though they are there, as in `flair,t1`: what a missing one
            costs.
        tta: Average over all mirrored views; takes 4 times as long for images, 8 for volumes.
        windows: `largest` lets the network see as much of a case at a time as memory holds;
            `training` as much as it saw in training.
        memory: What a case's windows and answer may take, as in `6GiB`; null is what is free.
        postprocess: `stored`: by the rules that were found for the run or cross-validation, where
            there are any; `off`; or a YAML file of rules (docs/inference.md).
        doubt: Also write, in the folder `doubt` of the output, a map of each voxel's doubt in bits,
            and tables of how sure the networks are of cases and lesions (docs/inference.md).
        dicom_seg: Also write each mask as a DICOM segmentation of the series that it was made from,
            into the folder `dicom_seg` of the output; for cases that came as DICOM.
        view: Also write a page a case, with NiiVue in it, into the folder `view` of the output: its
            channels, the mask, reference and doubt in planes and in space (docs/viewing.md).
        overlays: Also write a picture of each case with the outlines of its mask, into the folder
            `overlays` of the output; a volume is cut where most of the mask lies.
        precision: `auto` measures for a second which of the others is right and fast here.
        device: `auto`, `cpu` or `cuda`.
        threads: CPU threads; 0 leaves the choice to torch.
        overwrite: Write into a folder that holds something already; never over an input.
    """

    output: Path
    input: Path | None = None
    run: tuple[Path, ...] = ()
    channel: tuple[str, ...] = ()
    fold: int | None = None
    probabilities: bool = False
    fill_missing: bool = False
    without: tuple[str, ...] = ()
    tta: bool = False
    windows: Literal["largest", "training"] = "training"
    memory: str | None = None
    postprocess: str = "stored"
    doubt: bool = False
    dicom_seg: bool = False
    view: bool = False
    overlays: bool = False
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    device: str = "auto"
    threads: int = 0
    overwrite: bool = False


def make_parser(words: str) -> CommandParser:
    """The command's parser; `words` say what the command does."""
    parser = CommandParser(prog="inspire-med predict", description=words)
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    words = (
        "A run folder of train (its best checkpoint is used), a cross-validation's folder, or a "
        "model folder; may be repeated: they predict together, by the mean of their probabilities."
    )
    parser.add_argument("--run", action="append", metavar="DIR", required=True, help=words)
    words = (
        "A file of this channel, each of a case; or, beside --input, its DICOM series by "
        "description, protocol or UID; may be repeated."
    )
    parser.add_argument("--channel", action="append", metavar="NAME=FILE|SERIES", help=words)
    parser.add_class_arguments(PredictOptions, as_group=False, skip={"run", "channel"})
    return parser


def read_options(namespace: Namespace) -> PredictOptions:
    """What was parsed.

    Raises:
        InputError: If a number makes no sense.
    """
    values = vars(namespace)
    values.pop("config")
    run = values["run"]
    values["run"] = tuple(map(Path, [run] if isinstance(run, str) else run))
    channel = values["channel"] or ()
    values["channel"] = (channel,) if isinstance(channel, str) else tuple(channel)
    options = PredictOptions(**values)
    if options.input is None and not options.channel:
        raise InputError("--input: missing; give what to predict, or --channel NAME=FILE of each.")
    if options.threads < 0:
        raise InputError(f"--threads: {options.threads} is too small; give at least 0.")
    return options
