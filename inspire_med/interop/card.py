"""Card: what is known of an exported model, for people and programs; what is not known is said."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspire_med.files import read_json, write_json
from inspire_med.inference.postprocess import RegionRules
from inspire_med.interop.trained import Trained

PAGE, DATA = "README.md", "card.json"
_UNKNOWN = "not known"
_LIMITS = (
    "Not a medical device. What it does on data of other scanners, patients or sites than those "
    "below is not known."
)
_USE = {
    "model": "`inspire-med predict --run PATH --input ... --output ...`, of the folder or .zip.",
    "torch": "`python predict.py --output mask.nii.gz CHANNEL=FILE ...`, with numpy and torch "
    "alone.",
    "onnx": "`python predict.py --output mask.nii.gz CHANNEL=FILE ...`, with numpy and onnxruntime "
    "alone.",
    "bundle": "`python -m monai.bundle run`, see docs/README.md.",
}


def write_card(folder: Path, trained: Trained, kind: str) -> None:
    """Write the card as README.md and as JSON."""
    known = card_of(trained, kind)
    write_json(folder / DATA, known)
    (folder / PAGE).write_text(page_of(known), encoding="utf-8")


def card_of(trained: Trained, kind: str) -> dict[str, Any]:
    """All that a run, a cross-validation or a model's folder tells of itself, JSON-able."""
    card = trained.card
    return {
        "format": kind,
        "task": card.task.name,
        "input": {"channels": card.channels, "patch_size": card.patch_size},
        "regions": card.regions,
        "network": card.network,
        "preparation": card.preparation.to_json(),
        "data": {"manifest_hash": card.manifest_hash or None},
        "training": [_training(member.folder) for member in trained.members],
        "scores": _scores(trained),
        "postprocessing": trained.rules.to_yaml()["regions"],
        "not_in_the_script": _left_out(trained) if kind in ("torch", "onnx") else [],
        "limits": _LIMITS,
        "licence": None,
    }


def _training(folder: Path) -> dict[str, Any]:
    """Options, seed, fold and steps of the checkpoint, as far as they lie beside it."""
    record = folder / "training.json"
    if not record.is_file():
        return {}
    content = read_json(record)
    options, progress = content.get("config", {}), content.get("progress", {})
    names = ("fold", "seed", "precision", "loss", "init", "max_steps", "optimizer", "data")
    told = {name: options[name] for name in names if name in options}
    sessions = folder.parent.parent / "run.json"
    if sessions.is_file():
        last = read_json(sessions)["sessions"][-1]
        told |= {"commit": last.get("commit"), "versions": last.get("versions")}
    return told | {"steps": progress.get("step"), "best_score": progress.get("best_score")}


def _scores(trained: Trained) -> dict[str, Any] | None:
    """Scores of the one run or cross-validation that is exported, where they lie beside it."""
    run, *others = trained.runs
    if others:
        return None
    places = (run / "scores", run.parent / "scores")
    file = next((each / "scores.json" for each in places if (each / "scores.json").is_file()), None)
    if file is None:
        return None
    content = read_json(file)
    return {name: content[name] for name in ("protocol", "n_cases", "summary") if name in content}


def _left_out(trained: Trained) -> list[str]:
    """Regions whose rules are more than a threshold."""
    beyond = [name for name, rules in trained.rules.regions.items() if _is_more(rules)]
    return [f"the rules of postprocessing of {name}" for name in beyond]


def _is_more(rules: RegionRules) -> bool:
    return rules != RegionRules(threshold=rules.threshold)


def page_of(known: Mapping[str, Any]) -> str:
    """What `card_of` gives, as Markdown."""
    kind, count = known["format"], len(known["training"])
    lines = [
        f"# A model for {known['task']}, as {kind}",
        "",
        f"{count} network{'s' * (count > 1)}; channels {', '.join(known['input']['channels'])}; "
        f"regions {', '.join(known['regions'])}.",
        "",
        "## Use",
        "",
        _USE.get(kind, f"See the files of the {kind}."),
        *[f"The script leaves out {each}." for each in known["not_in_the_script"]],
        "`inspire-med export --verify PATH` checks every file and runs the stored example again.",
        "",
        "## Limits",
        "",
        known["limits"],
        "",
        "## Data",
        "",
        f"Hash of the data set and its split: {known['data']['manifest_hash'] or _UNKNOWN}.",
        "",
        "## Training",
        "",
        *[f"- {_words(each)}" for each in known["training"]],
        "",
        "## Scores",
        "",
        *_score_table(known["scores"]),
        "",
        "## Licence",
        "",
        f"Of the weights: {_UNKNOWN}; ask whoever trained them and gave the data.",
        "",
    ]
    return "\n".join(lines)


def _words(training: Mapping[str, Any]) -> str:
    if not training:
        return f"{_UNKNOWN}: nothing lay beside the weights."
    names = ("fold", "seed", "steps", "loss", "precision", "init", "commit")
    return ", ".join(f"{name} {training.get(name, _UNKNOWN)}" for name in names) + "."


def _score_table(scores: Mapping[str, Any] | None) -> list[str]:
    if scores is None:
        return [f"{_UNKNOWN[0].upper()}{_UNKNOWN[1:]}: none lay beside the run."]
    rows = [
        f"| {region} | {measure} | {_number(each['mean'])} | "
        f"{' to '.join(map(_number, each.get('ci95') or []))} | {each['n']} |"
        for region, measures in scores["summary"].items()
        for measure, each in measures.items()
    ]
    head = ["| region | measure | mean | 95 % interval | n |", "|---|---|---|---|---|"]
    words = f"Protocol {scores['protocol']}, {scores['n_cases']} cases, as they were scored beside "
    return [f"{words}the run:", "", *head, *rows]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"
