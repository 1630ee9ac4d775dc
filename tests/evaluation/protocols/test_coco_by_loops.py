"""Average precision and recall by their definition, box by box, and what must not change them."""

import json
from itertools import count

import numpy as np
import pytest
from examples import costly
from hypothesis import given
from hypothesis import strategies as st

from inspire_med.evaluation.protocols.coco import COCO_DETECTION

pytest.importorskip("pycocotools")

IMAGES, CATEGORIES = (0, 7), (1, 5)
OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)

boxes = st.tuples(*(st.integers(0, 12),) * 2, *(st.integers(1, 12),) * 2)
entries = st.tuples(st.sampled_from(IMAGES), st.sampled_from(CATEGORIES), boxes)
sets = st.tuples(
    st.lists(entries, min_size=1, max_size=6),
    st.lists(entries, min_size=1, max_size=8).flatmap(
        lambda found: st.tuples(st.just(found), st.permutations(range(1, len(found) + 1)))
    ),
)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """Measures of the region `all`, of annotations and detections in COCO's words."""
    folder = tmp_path_factory.mktemp("coco")

    def score(annotations, detections):
        reference = {
            "images": [{"id": number, "height": 24, "width": 24} for number in IMAGES],
            "categories": [{"id": number, "name": f"c{number}"} for number in CATEGORIES],
            "annotations": annotations,
        }
        (folder / "reference.json").write_text(json.dumps(reference))
        (folder / "found.json").write_text(json.dumps(detections))
        files = folder / "reference.json", folder / "found.json"
        return COCO_DETECTION.score(*files).regions["all"].measures

    return score


def in_words(true, found, numbers=None):
    numbers = numbers or count(1)
    annotations = [
        {"id": number, "image_id": image, "category_id": category, "bbox": box,
         "area": box[2] * box[3], "iscrowd": 0}
        for number, (image, category, box) in zip(numbers, true, strict=False)
    ]  # fmt: skip
    detections = [
        {"image_id": image, "category_id": category, "bbox": box, "score": rank / 10}
        for (image, category, box), rank in zip(*found, strict=True)
    ]
    return annotations, detections


@costly
@given(sets)
def test_ap_and_ar_are_those_of_the_definition(scored, both):
    true, (found, ranks) = both
    measures = scored(*in_words(true, (found, ranks)))

    surest_first = [entry for _, entry in sorted(zip(ranks, found, strict=True), reverse=True)]
    for name, most in (("ar1", 1), ("ar10", 10), ("ar100", 100)):
        recalls = [by_definition(true, surest_first, each, most)[1] for each in CATEGORIES]
        assert measures[f"box_{name}"] == pytest.approx(mean_of(recalls), abs=1e-12)
    precisions = [by_definition(true, surest_first, each, 100)[0] for each in CATEGORIES]
    assert measures["box_ap"] == pytest.approx(mean_of(precisions), abs=1e-12)


@costly
@given(sets, st.data())
def test_ids_and_the_order_of_detections_move_nothing(scored, both, data):
    true, found = both
    annotations, detections = in_words(true, found)
    renamed, _ = in_words(true, found, data.draw(st.permutations(range(len(true)))))  # 0 among them

    again = scored(renamed, data.draw(st.permutations(detections)))

    assert again == pytest.approx(scored(annotations, detections), nan_ok=True)


def mean_of(values):
    defined = [value for value in values if value is not None]
    return float(np.mean(defined))


def by_definition(true, surest_first, category, most):
    """Mean precision over recall levels, and recall, both over overlaps; None without objects."""
    objects = {image: [box for at, kind, box in true if (at, kind) == (image, category)]
               for image in IMAGES}  # fmt: skip
    total = sum(map(len, objects.values()))
    if not total:
        return None, None
    precisions, recalls = [], []
    for least in OVERLAPS:
        hits, taken, seen = [], set(), dict.fromkeys(IMAGES, 0)
        for image, kind, box in surest_first:
            if kind != category or seen[image] == most:
                continue
            seen[image] += 1
            best, overlap = None, least
            for number, other in enumerate(objects[image]):
                if (image, number) not in taken and iou(box, other) >= overlap:
                    best, overlap = (image, number), iou(box, other)
            taken.add(best)
            hits.append(best is not None)
        found = np.cumsum(hits) if hits else np.zeros(1)
        recall, precision = found / total, found / np.arange(1, len(found) + 1)
        precisions += [max(precision[recall >= level], default=0.0) for level in RECALLS]
        recalls.append(recall[-1])
    return float(np.mean(precisions)), float(np.mean(recalls))


def iou(first, second):
    sides = [
        min(first[axis] + first[axis + 2], second[axis] + second[axis + 2])
        - max(first[axis], second[axis])
        for axis in (0, 1)
    ]
    common = max(sides[0], 0) * max(sides[1], 0)
    return common / (first[2] * first[3] + second[2] * second[3] - common)
