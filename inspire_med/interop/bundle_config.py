"""Bundle config: `inference.json`, a run's way from files to masks in MONAI's words."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from inspire_med.cases.align import reference_channel
from inspire_med.errors import InputError
from inspire_med.imaging.picture import COLOURS, IMAGE_SUFFIXES
from inspire_med.inference.model import ModelCard
from inspire_med.inference.postprocess import Postprocessing, RegionRules
from inspire_med.inference.settings import OVERLAP
from inspire_med.tasks.task import LABEL, Preparation

Step = dict[str, Any]
_PICTURE = "image"  # the file that red, green and blue come from
_DONE = "pred"


def refuse_impossible(card: ModelCard) -> None:
    """Refuse a preparation with a step that MONAI and what a bundle carries along cannot take.

    Raises:
        InputError: If there is one.
    """
    if card.preparation.register:
        raise InputError(
            "--format bundle: the run's channels are registered, which MONAI alone cannot; "
            "give --format model, or train without --register."
        )


def inference_config(
    cards: Sequence[ModelCard],
    networks: Sequence[str],
    rules: Postprocessing,
    least: Sequence[int],
) -> dict[str, Any]:
    """What `python -m monai.bundle run` needs, JSON-able.

    Args:
        cards: Of the models that predict together.
        networks: Their files in the bundle's folder, in this order.
        rules: What is done to the masks.
        least: Smallest sides that they take.
    """
    card = cards[0]
    ways = [card.preparation for card in cards]
    kinds = [way for place, way in enumerate(ways) if way not in ways[:place]]
    names = ["preprocessing", *(f"preprocessing_{place}" for place in range(1, len(kinds)))]
    defined = ["network_def", *(f"network_{place}" for place in range(1, len(networks)))]
    pairs = zip(ways, defined, strict=True)
    members = ", ".join(f"(@{names[kinds.index(way)]}, @{network})" for way, network in pairs)
    return {
        "imports": ["$import torch"],
        "bundle_root": ".",
        "dataset_dir": "./data",
        "datalist": "",
        "output_dir": "$@bundle_root + '/eval'",
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "cases": _own("cases.find_cases", dataset_dir="@dataset_dir", datalist="@datalist")
        | _files_of(card),
        **{
            name: {"_target_": "Compose", "transforms": preprocessing(card, way)}
            for name, way in zip(names, kinds, strict=True)
        },
        "dataset": {"_target_": "Dataset", "data": "@cases", "transform": "@preprocessing"},
        **{
            name: _own("network.Exported", file=f"$@bundle_root + '/{file}'", device="@device")
            for name, file in zip(defined, networks, strict=True)
        },
        "inferer": _own(
            "inferer.EvenWindows",
            roi_size=list(card.patch_size),
            regions=len(card.regions),
            overlap=OVERLAP,
            least=list(least),
            device="@device",
        ),
        "postprocessing": {"_target_": "Compose", "transforms": postprocessing(card, rules)},
        "evaluator": _own(
            "evaluator.Evaluator",
            dataset="@dataset",
            members=f"$[{members}]",
            inferer="@inferer",
            postprocessing="@postprocessing",
        ),
        "run": ["$@evaluator.run()"],
    }


def preprocessing(card: ModelCard, how: Preparation) -> list[Step]:
    """The transforms that bring a case to the network, as `prepare_case` does."""
    channels = list(card.channels)
    bring = _volumes_seen if card.task.spatial_dims == 3 else _pictures_seen
    return [*bring(card, how), {"_target_": "ConcatItemsd", "keys": channels, "name": "image"}]


def postprocessing(card: ModelCard, rules: Postprocessing) -> list[Step]:
    """The transforms from probabilities to a mask's file on the case's own grid."""
    of_each = [rules.of(name) for name in card.regions]
    picture = card.task.spatial_dims == 2
    steps: list[Step] = [
        {
            "_target_": "Invertd",
            "keys": _DONE,
            "transform": "@preprocessing",
            "orig_keys": _reference(card),
            "nearest_interp": False,
        },
        _own("regions.Thresholdd", keys=_DONE, thresholds=[each.threshold for each in of_each]),
    ]
    if any(needs_rules(each) for each in of_each):
        more = [_beyond_threshold(each) for each in of_each]
        steps.append(_own("rules.Rulesd", keys=_DONE, rules=more))
    regions = {name: list(values) for name, values in card.regions.items()}
    painted = _own("regions.Paintd", keys=_DONE, regions=regions, white=255 if picture else 1)
    # MONAI writes pictures with the first axis across.
    turned = [{"_target_": "Transposed", "keys": _DONE, "indices": [1, 0]}] if picture else []
    saved = {
        "_target_": "SaveImaged",
        "keys": _DONE,
        "output_dir": "@output_dir",
        "output_ext": ".png" if picture else ".nii.gz",
        "output_postfix": "",
        "output_dtype": "uint8",
        "separate_folder": False,
        "resample": False,
    }
    return [*steps, painted, *turned, saved]


def needs_rules(rules: RegionRules) -> bool:
    """Whether anything but a threshold is done to a region's mask."""
    return bool(_beyond_threshold(rules))


def _beyond_threshold(rules: RegionRules) -> dict[str, Any]:
    known = asdict(rules)
    return {name: value for name, value in known.items() if value and name != "threshold"}


def _volumes_seen(card: ModelCard, how: Preparation) -> list[Step]:
    channels = list(card.channels)
    steps: list[Step] = [
        {
            "_target_": "LoadImaged",
            "keys": channels,
            "reader": "NibabelReader",
            "ensure_channel_first": True,
        }
    ]
    if how.orientation is not None:
        axes = {"axcodes": how.orientation, "labels": [["L", "R"], ["P", "A"], ["I", "S"]]}
        steps.append({"_target_": "Orientationd", "keys": channels, **axes})
    own = {"reference": _reference(card), "resampled": list(how.resampled)}
    steps.append(_own("volumes.OnOneGridd", keys=channels, **own))
    if how.crop_to_foreground:
        box = {"source_key": "foreground", "allow_smaller": True}
        steps.append({"_target_": "CropForegroundd", "keys": channels, **box})
    steps += _normalised(card, how)
    if how.spacing_mm is not None:
        steps.append(_own("volumes.ToSpacingd", keys=channels, spacing_mm=list(how.spacing_mm)))
    return steps


def _pictures_seen(card: ModelCard, how: Preparation) -> list[Step]:
    planes = _planes(card)
    files = list(dict.fromkeys(file for file, _ in planes.values()))
    steps: list[Step] = [
        {
            "_target_": "LoadImaged",
            "keys": files,
            "reader": "PILReader",
            "converter": _own("pictures.colours", _mode_="callable"),
            "reverse_indexing": False,
            "ensure_channel_first": True,
        },
        _own("pictures.Planesd", keys=files, planes=planes),
    ]
    if how.image_size is not None:
        size = list(how.image_size)
        steps.append(_own("pictures.ToSized", keys=list(card.channels), size=size))
    return [*steps, *_normalised(card, how)]


def _normalised(card: ModelCard, how: Preparation) -> list[Step]:
    channels = list(card.channels)
    match how.intensity:
        case "none":
            return []
        case "mri" | "rgb":
            within = how.intensity == "mri"
            return [{"_target_": "NormalizeIntensityd", "keys": channels, "nonzero": within}]
        case "ct" | "fixed":
            known = how.intensity_statistics
            return [step for name in channels for step in _standardised(name, known[name])]


def _standardised(channel: str, statistics: Mapping[str, float]) -> list[Step]:
    """Clipped, where there are percentiles, then (x - mean) / sd."""
    steps: list[Step] = [
        {
            "_target_": "ThresholdIntensityd",
            "keys": channel,
            "threshold": statistics[limit],
            "above": limit == "low",
            "cval": statistics[limit],
        }
        for limit in ("low", "high")
        if limit in statistics
    ]
    numbers = {"subtrahend": statistics["mean"], "divisor": statistics["sd"] or 1.0}
    return [*steps, {"_target_": "NormalizeIntensityd", "keys": channel, **numbers}]


def _files_of(card: ModelCard) -> Step:
    """What the files of each channel end in, before their suffix."""
    if card.task.spatial_dims == 2:
        files = list(dict.fromkeys(file for file, _ in _planes(card).values()))
        one = len(files) == 1
        words = {name: [] if one else _words(card, name) for name in files}
        return {"keys": words, "suffixes": list(IMAGE_SUFFIXES)}
    words = {name: _words(card, name) for name in card.channels}
    return {"keys": words, "suffixes": [".nii.gz", ".nii"]}


def _words(card: ModelCard, channel: str) -> list[str]:
    """The task's own words, and nnU-Net's number."""
    words = [word for word, name in card.task.kinds().items() if name == channel]
    place = card.task.channels.index(channel)
    return [word for word in words if word != LABEL] + [f"{place:04d}"]


def _planes(card: ModelCard) -> dict[str, tuple[str, int]]:
    """Which file each channel of a picture comes from, and which colour of it is read."""
    if set(card.channels) <= set(COLOURS):
        return {name: (_PICTURE, COLOURS.index(name)) for name in card.channels}
    return {name: (name, 0) for name in card.channels}


def _reference(card: ModelCard) -> str:
    """The channel whose grid is the case's own."""
    if card.task.spatial_dims == 2:
        return card.channels[0]
    files = dict.fromkeys(card.channels)
    return reference_channel(files, card.channels, card.preparation)  # pyright: ignore[reportArgumentType]


def _own(name: str, **arguments: Any) -> Step:
    return {"_target_": f"scripts.{name}", **arguments}
