"""Maps: which files of a folder a protocol scores, masks or maps or both."""

from pathlib import Path

from inspire_med.errors import InputError
from inspire_med.evaluation.origin import RECORD
from inspire_med.evaluation.pairs import (
    Pairing,
    find_frames,
    find_maps,
    find_masks,
    find_probabilities,
    holds_probabilities,
)
from inspire_med.evaluation.protocols import MapProtocol, MaskProtocol, Protocol
from inspire_med.imaging.masks import Regions


def find_predictions(folder: Path, rules: Protocol) -> dict[str, Path]:
    """What a protocol scores in a folder, by case id: masks, or maps in place of them.

    Raises:
        InputError: If the folder is missing or holds none, or two files have one id.
    """
    if rules.of_videos:
        return find_frames(folder)
    return find_maps(folder) if isinstance(rules, MapProtocol) else find_masks(folder)


def refuse_masks(folder: Path, pairing: Pairing, rules: MapProtocol) -> None:
    """Refuse a folder whose files are not all maps.

    Where a folder holds maps, or is predict's, what else it holds are masks and no maps.

    Raises:
        InputError: If there are any.
    """
    masks = [name for name, (_, found) in pairing.pairs.items() if not holds_probabilities(found)]
    if masks and ((folder / RECORD).is_file() or len(masks) < len(pairing.pairs)):
        raise InputError(
            f"{folder}: holds the mask of case {masks[0]} but not its map ({masks[0]}_prob.png), "
            f"which protocol {rules.name} scores; predict again with --probabilities."
        )


def maps_beside(
    folder: Path, pairing: Pairing, regions: Regions, rules: Protocol, *, calibration: bool
) -> dict[str, Path]:
    """The probabilities beside the masks, by case id; empty where none are scored.

    Args:
        folder: What was predicted.
        pairing: Its masks and their references.
        regions: Those of the references.
        rules: The protocol.
        calibration: Whether the probabilities are scored whatever the protocol.

    Raises:
        InputError: If a case has none, or the regions lack one whose probabilities are scored.
    """
    asking = "option --calibration"
    if isinstance(rules, MaskProtocol) and rules.scores_maps:
        asking = f"protocol {rules.name}"
        lacking = (rules.regions or {}).keys() - regions.keys()
        if lacking:
            raise InputError(
                f"{asking}: scores probabilities of {min(lacking)}, but the regions are "
                f"{', '.join(regions)}; name the region so in the task's file."
            )
    elif not calibration:
        return {}
    maps = find_probabilities(folder)
    without = sorted(pairing.pairs.keys() - maps.keys())
    if without:
        raise InputError(
            f"{asking}: {folder} holds no probabilities of case {without[0]} "
            f"({without[0]}_prob.nii.gz or .png); write them with predict --probabilities."
        )
    return maps
