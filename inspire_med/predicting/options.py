"""Options of predict."""

from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace

from inspire_med.cli.parser import CommandParser
from inspire_med.cli.predictor import PredictorOptions, add_predictor, take_predictor
from inspire_med.errors import InputError


@dataclass(frozen=True)
class PredictOptions:
    """Masks on each case's own grid.

    Args:
        predictor: Which models predict, and how.
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
        without: Channels to leave out though they are there, as in `flair,t1`: what a missing one
            costs.
        doubt: Also write, in the folder `doubt` of the output, a map of each voxel's doubt in bits,
            and tables of how sure the networks are of cases and lesions (docs/inference.md).
        dicom_seg: Also write each mask as a DICOM segmentation of the series that it was made from,
            into the folder `dicom_seg` of the output; for cases that came as DICOM.
        view: Also write a page a case, with NiiVue in it, into the folder `view` of the output: its
            channels, the mask, reference and doubt in planes and in space (docs/viewing.md).
        overlays: Also write a picture of each case with the outlines of its mask, into the folder
            `overlays` of the output; a volume is cut where most of the mask lies.
        overwrite: Write into a folder that holds something already; never over an input.
    """

    output: Path
    predictor: PredictorOptions
    input: Path | None = None
    channel: tuple[str, ...] = ()
    fold: int | None = None
    probabilities: bool = False
    without: tuple[str, ...] = ()
    doubt: bool = False
    dicom_seg: bool = False
    view: bool = False
    overlays: bool = False
    overwrite: bool = False


def make_parser(words: str) -> CommandParser:
    """The command's parser; `words` say what the command does."""
    parser = CommandParser(prog="inspire-med predict", description=words)
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    add_predictor(parser)
    words = (
        "A file of this channel, each of a case; or, beside --input, its DICOM series by "
        "description, protocol or UID; may be repeated."
    )
    parser.add_argument("--channel", action="append", metavar="NAME=FILE|SERIES", help=words)
    parser.add_class_arguments(PredictOptions, as_group=False, skip={"predictor", "channel"})
    return parser


def read_options(namespace: Namespace) -> PredictOptions:
    """What was parsed.

    Raises:
        InputError: If a number makes no sense.
    """
    values = vars(namespace)
    values.pop("config")
    predictor = take_predictor(values)
    channel = values["channel"] or ()
    values["channel"] = (channel,) if isinstance(channel, str) else tuple(channel)
    options = PredictOptions(predictor=predictor, **values)
    if options.input is None and not options.channel:
        raise InputError("--input: missing; give what to predict, or --channel NAME=FILE of each.")
    return options
