"""Answer: what is sent back of a case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspire_med.cases.layouts.recognise import named_files
from inspire_med.errors import InputError
from inspire_med.imaging.output import file_names, write_mask
from inspire_med.inference.prediction import Prediction
from inspire_med.inference.predictor import Predictor
from inspire_med.inference.sliding_window import Watch
from inspire_med.inference.summary import summary_of
from inspire_med.serving.upload import Upload

WHOLE = ("file", "files")  # form fields that stand for all channels of a case
_MASK = "mask"


@dataclass(frozen=True)
class Answer:
    """A mask as `predict` writes it, and what is in it.

    Args:
        name: Of the mask's file.
        mask: The file.
        summary: JSON-able.
    """

    name: str
    mask: bytes
    summary: dict[str, Any]


def answer_of(predictor: Predictor, upload: Upload, watch: Watch) -> Answer:
    """Predict an upload.

    Args:
        predictor: What predicts.
        upload: One file of all channels, or one file for each.
        watch: As for `Predictor.predict_case`.

    Raises:
        InputError: If a file is at fault; it is called by its form field.
    """
    try:
        case = named_files(predictor.card.task, _by_channel(upload.files, predictor.card.channels))
        prediction = predictor.predict_case(case, watch)
    except InputError as error:
        raise InputError(_without_paths(str(error), upload)) from None
    name, _ = file_names(_MASK, is_picture=prediction.placement.affine is None)
    path = upload.folder / name
    write_mask(path, prediction.labels, prediction.placement, prediction.regions)
    content = path.read_bytes()
    path.unlink()
    return Answer(name, content, _summary(prediction))


def names_of_values(regions: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """What each label value of a mask means: a region without those inside it, as in BraTS.

    There the value of the tumour's core is "TC without ET", as the enhancing part has its own.
    """
    named: dict[str, int] = {}
    for name, values in regions.items():
        inside = {other: set(own) for other, own in regions.items() if set(own) < set(values)}
        outer = [
            each for each, own in inside.items() if not any(own < more for more in inside.values())
        ]
        own = set(values).difference(*inside.values()) or set(values)
        named[f"{name} without {', '.join(outer)}" if outer else name] = min(own)
    return dict(sorted(named.items(), key=lambda item: item[1]))


def _by_channel(files: Mapping[str, Path], channels: Sequence[str]) -> dict[str, Path]:
    whole = [path for name, path in files.items() if name in WHOLE]
    if not files or (whole and len(files) > 1):
        raise InputError(
            f"the form has {len(files)} files; send one as {WHOLE[0]!r} that holds all channels, "
            f"or one for each of {', '.join(channels)}."
        )
    return dict.fromkeys(channels, whole[0]) if whole else dict(files)


def _summary(prediction: Prediction) -> dict[str, Any]:
    return {
        "shape": list(prediction.labels.shape),
        "regions": summary_of(prediction),
        "labels": names_of_values(prediction.regions),
        "seen_as": prediction.seen_as,
    }


def _without_paths(sentence: str, upload: Upload) -> str:
    """A sentence that calls files by their form fields, and folders of ours by nothing."""
    for name, path in upload.files.items():
        sentence = sentence.replace(str(path), name)
    for name, path in upload.files.items():
        sentence = sentence.replace(path.name, name)
    return sentence.replace(str(upload.folder), "the upload")
