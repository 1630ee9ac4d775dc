"""Handover: a model's folder for a colleague: all that predict reads, and no optimizer's state."""

from pathlib import Path

import yaml

from inspire_med.files import write_json
from inspire_med.inference import doubt, postprocess
from inspire_med.inference.model import write_model
from inspire_med.interop.trained import Trained


def write_handover(folder: Path, trained: Trained) -> None:
    """Write one model into the folder itself, or a folder of each; rules and doubt beside."""
    several = len(trained.members) > 1
    for number, member in enumerate(trained.members):
        place = folder / f"fold{number}" if several else folder
        place.mkdir(exist_ok=True)
        write_model(place, member.card, member.network)
    if trained.rules.regions:
        rules = yaml.safe_dump(trained.rules.to_yaml(), sort_keys=False)
        (folder / postprocess.FILE).write_text(rules, encoding="utf-8")
    if trained.doubt is not None:
        write_json(folder / doubt.FILE, trained.doubt.to_json())
