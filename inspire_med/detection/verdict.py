"""Verdict: what is wrong with the data of a run, before it begins.

mmdet drops what it cannot match without a word: with categories that do not meet the classes it
trains on nothing, to an AP of 0. Here each such thing is one sentence.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mmdet.datasets import CocoDataset
from mmdet.registry import DATASETS
from mmengine.config import Config

from inspire_med.detection.annotations import Annotations, read_annotations
from inspire_med.detection.coco_metric import check_metric
from inspire_med.detection.left_out import of_boxes, of_masks, of_training
from inspire_med.detection.pictures import check_pictures
from inspire_med.detection.settings import kind_of, sections, type_path
from inspire_med.errors import InputError
from inspire_med.imaging.coco import Entry
from inspire_med.wording import listed


def check_data(config: Config, parts: Sequence[str]) -> list[str]:
    """Hold every COCO-like data set of a config against its annotations, images and classes.

    Args:
        config: The whole config.
        parts: Which of `train`, `val` and `test`.

    Returns:
        What is no fault but should be known, a sentence each.

    Raises:
        InputError: For the first thing that is missing or does not match.
    """
    read = functools.cache(read_annotations)  # several parts often share one file
    notes: list[str] = []
    for part in parts:
        loader, evaluators = config.get(f"{part}_dataloader"), config.get(f"{part}_evaluator")
        if loader is None:
            continue
        if loader.get("persistent_workers") and not loader.get("num_workers"):
            raise InputError(
                f"{part}_dataloader: persistent_workers needs num_workers above 0; set it to False."
            )
        evaluators = evaluators if isinstance(evaluators, list) else [evaluators or {}]
        for evaluator in evaluators:
            check_metric(f"{part}_evaluator", evaluator)
        for place, settings in leaves(loader.dataset, f"{part}_dataloader.dataset"):
            _refuse_pickles(place, settings)
            notes += _check_dataset(place, settings, evaluators, config.model, read)
    return list(dict.fromkeys(notes))


def leaves(settings: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The data sets within the wrappers that repeat, balance or join them."""
    inner = settings.get("dataset"), settings.get("datasets")
    if inner[0] is not None:
        yield from leaves(inner[0], f"{place}.dataset")
    elif inner[1] is not None:
        for number, one in enumerate(inner[1]):
            yield from leaves(one, f"{place}.datasets.{number}")
    else:
        yield place, settings


def _refuse_pickles(place: str, settings: Any) -> None:
    for name in ("ann_file", "proposal_file"):
        if str(settings.get(name)).endswith((".pkl", ".pickle")):
            raise InputError(f"{place}.{name}: is a pickle, which could run code; give it as JSON.")


def _check_dataset(
    place: str,
    settings: Any,
    evaluators: list[Any],
    model: Any,
    read: Callable[[Path], Annotations],
) -> list[str]:
    kind = kind_of(settings, DATASETS)
    if not (inspect.isclass(kind) and issubclass(kind, CocoDataset)):
        return []
    # Built without reading anything: mmdet's own idea of paths and classes.
    dataset = DATASETS.build(dict(settings, lazy_init=True, pipeline=[]))
    file, classes = Path(dataset.ann_file), dataset.metainfo["classes"]
    if "://" in dataset.ann_file:
        return []
    if isinstance(classes, str):
        raise InputError(f"{place}: metainfo.classes is one word; write it as ('{classes}',).")
    found = read(file)
    folder = Path(dataset.data_prefix.get("img") or "")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such image folder; set {place}.data_root or data_prefix.")
    _check_classes(place, found, classes)
    if not found.panoptic:
        _check_heads(model, place, len(classes))
    for evaluator in evaluators:
        _check_evaluator(place, found, evaluator, classes, read)
    filter_cfg = settings.get("filter_cfg") or {}
    if not any(evaluator.get("format_only") for evaluator in evaluators):
        _check_reference(found, classes, filter_cfg)
    steps = list(sections(settings.get("pipeline", [])))
    masks = not found.panoptic and any(step.get("with_mask") for step in steps)
    if masks:
        _refuse_without_masks(found, list(found.usable(classes)))
    if any(_loads_maps(step) for step in steps):
        _check_maps(place, found, dataset)
    return [
        *check_pictures(folder, found),
        *([] if dataset.test_mode else of_training(place, found, classes, filter_cfg)),
        *of_boxes(found),
        *(of_masks(found, classes) if masks else []),
    ]


def _check_classes(place: str, found: Annotations, classes: Sequence[str]) -> None:
    unmet = [name for name in classes if name not in found.names]
    if unmet:
        raise InputError(
            f"{place}: classes and categories do not meet: {found.file} has {listed(found.names)}, "
            f"and not the config's {listed(unmet)}; set metainfo.classes to its names and "
            "num_classes to their number."
        )
    if [name for name in found.names if name in classes] != list(classes):
        raise InputError(
            f"{place}: metainfo.classes stand in another order than the categories of "
            f"{found.file}, and mmdet would mix up their names; take the file's order."
        )


def _check_heads(model: Any, place: str, count: int) -> None:
    for where, wrong in _class_counts(model, "model"):
        if wrong != count:
            raise InputError(
                f"{where}.num_classes: is {wrong}, but {place} has {count} classes; "
                "make them equal."
            )


def _class_counts(part: Any, place: str) -> Iterator[tuple[str, int]]:
    """`num_classes` of the heads that tell the classes of objects apart."""
    items = enumerate(part) if isinstance(part, list | tuple) else part.items()
    for name, value in items:
        if name == "num_classes":
            yield place, value
        elif isinstance(value, dict | list | tuple) and not _counts_otherwise(str(name)):
            yield from _class_counts(value, f"{place}.{name}")


def _counts_otherwise(name: str) -> bool:
    """Proposals have one class, and semantic heads those of their maps."""
    return any(word in name for word in ("rpn", "seman", "seg", "backbone"))


def _check_evaluator(
    place: str,
    found: Annotations,
    evaluator: Any,
    classes: Sequence[str],
    read: Callable[[Path], Annotations],
) -> None:
    name = evaluator.get("ann_file")
    if name is None or "://" in name:
        return
    other = read(Path(name))
    strange = found.images.keys() - other.images.keys()
    if strange:
        raise InputError(
            f"{name}: the evaluator's file lacks {len(strange)} images of {found.file} "
            f"({min(strange)} is the first), which {place} reads; give both the same file."
        )
    _check_classes(place, other, classes)
    if "segm" in _words(evaluator.get("metric")) and not evaluator.get("format_only"):
        _refuse_without_masks(other, other.of(classes)["annotations"])


def _check_reference(found: Annotations, classes: Sequence[str], keeps: Any) -> None:
    smallest = keeps.get("min_size", 0)
    for entry in found.usable(classes):
        image = found.images[entry["image_id"]]
        if not entry.get("iscrowd") and min(image["height"], image["width"]) >= smallest:
            return
    raise InputError(
        f"{found.file}: no object of the config's classes has a box on an image of {smallest} px "
        "or more; there is nothing to learn or to score."
    )


def _refuse_without_masks(found: Annotations, entries: Sequence[Entry]) -> None:
    without = [entry for entry in entries if not entry.get("segmentation")]
    if without:
        raise InputError(
            f"{found.file}: {len(without)} annotations have no mask ({without[0]['id']} is the "
            "first), but the config needs masks; take a file with them or a config for boxes."
        )


def _loads_maps(step: dict[str, Any]) -> bool:
    return step.get("with_seg", type_path(step).endswith("LoadPanopticAnnotations"))


def _check_maps(place: str, found: Annotations, dataset: Any) -> None:
    folder = dataset.data_prefix.get("seg")
    if not folder:
        raise InputError(
            f"{place}: its pipeline loads semantic maps; name their folder as data_prefix.seg."
        )
    suffix = ".png" if found.panoptic else dataset.seg_map_suffix
    names = [Path(image["file_name"]).with_suffix(suffix) for image in found.images.values()]
    missing = [name for name in names if not (Path(folder) / name).is_file()]
    if missing:
        raise InputError(
            f"{folder}: {len(missing)} of {len(names)} semantic maps are missing ({missing[0]} is "
            f"the first); set {place}.data_prefix.seg, or take a config without a semantic head."
        )


def _words(metric: Any) -> list[str]:
    return [metric] if isinstance(metric, str) else list(metric or [])
