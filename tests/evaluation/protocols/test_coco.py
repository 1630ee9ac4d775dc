import io
import json
import sys
from contextlib import redirect_stdout

import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.average_precision import average_precision
from inspire_med.evaluation.protocols.coco import COCO_DETECTION

pytest.importorskip("pycocotools")

CATEGORIES = [{"id": 3, "name": "polyp"}, {"id": 1, "name": "instrument"}]


def annotation(image, category, box, **more):
    left, top, width, height = box
    corners = [left, top, left + width, top, left + width, top + height, left, top + height]
    return {
        "image_id": image,
        "category_id": category,
        "bbox": box,
        "area": width * height,
        "iscrowd": 0,
        "segmentation": [corners],
    } | more


def detection(image, category, score, **shape):
    return {"image_id": image, "category_id": category, "score": score, **shape}


# A polyp of 40 x 40 in either image, an instrument of 10 x 10 in the first.
ANNOTATIONS = [
    annotation(1, 3, [10, 10, 40, 40]),
    annotation(2, 3, [50, 20, 40, 40]),
    annotation(1, 1, [100, 100, 10, 10]),
]


@pytest.fixture
def scored(tmp_path):
    """Scores of detections against annotations in two images of 120 x 160."""

    def score(detections, annotations=ANNOTATIONS, categories=CATEGORIES):
        images = [{"id": number, "height": 120, "width": 160} for number in (1, 2)]
        # From 0, deliberately: pycocotools by itself takes what matches it for a false alarm.
        numbered = [{"id": number, **each} for number, each in enumerate(annotations)]
        reference = {"images": images, "categories": categories, "annotations": numbered}
        (tmp_path / "reference.json").write_text(json.dumps(reference))
        (tmp_path / "found.json").write_text(json.dumps(detections))
        return COCO_DETECTION.score(tmp_path / "reference.json", tmp_path / "found.json")

    return score


def perfect(annotations=ANNOTATIONS, keys=("bbox", "segmentation")):
    return [
        detection(each["image_id"], each["category_id"], 0.9, **{key: each[key] for key in keys})
        for each in annotations
        if not each["iscrowd"]
    ]


def test_the_regions_are_all_and_the_categories_by_rising_id(scored):
    found = scored(perfect())

    assert found.case == "data set"
    assert list(found.regions) == ["all", "instrument", "polyp"]
    assert all(
        set(each.measures) == set(COCO_DETECTION.measures) for each in found.regions.values()
    )


def test_perfect_detections_score_one_where_there_is_something_to_find(scored):
    found = scored(perfect()).regions

    for kind in ("box", "mask"):
        measures = found["all"].measures
        for name in ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ar1", "ar10", "ar100"):
            assert measures[f"{kind}_{name}"] == pytest.approx(1, abs=1e-9)
        assert np.isnan(measures[f"{kind}_ap_large"])
        assert np.isnan(found["polyp"].measures[f"{kind}_ap_small"])
        assert np.isnan(found["instrument"].measures[f"{kind}_ar_medium"])


def test_detections_elsewhere_score_zero(scored):
    wrong = [detection(1, 3, 0.9, bbox=[100, 60, 40, 40]), detection(2, 1, 0.9, bbox=[0, 0, 9, 9])]

    measures = scored(wrong).regions["all"].measures

    assert measures["box_ap"] == measures["box_ap50"] == measures["box_ar100"] == 0


def test_one_of_two_found_reaches_half_the_recall_levels(scored):
    # precision 1 at the recall levels 0, 0.01 ... 0.50: 51 of 101
    measures = scored([detection(1, 3, 0.9, bbox=[10, 10, 40, 40])]).regions["polyp"].measures

    assert measures["box_ap"] == pytest.approx(51 / 101, abs=1e-9)
    assert measures["box_ar100"] == 0.5


def test_a_surer_false_alarm_halves_the_precision(scored):
    found = scored(
        [
            detection(1, 1, 0.9, bbox=[0, 0, 10, 10]),
            detection(1, 1, 0.8, bbox=[100, 100, 10, 10]),
        ]
    )

    assert found.regions["instrument"].measures["box_ap"] == pytest.approx(0.5, abs=1e-9)
    assert found.regions["instrument"].measures["box_ar1"] == 0
    assert found.regions["instrument"].measures["box_ar10"] == 1


@pytest.mark.parametrize(
    ("alarms", "ar1", "ar10", "ar100"), [(0, 1, 1, 1), (5, 0, 1, 1), (30, 0, 0, 1)]
)
def test_recall_takes_the_1_10_and_100_surest_of_an_image(scored, alarms, ar1, ar10, ar100):
    surer = [detection(1, 1, 0.9, bbox=[3 * at, 0, 10, 10]) for at in range(alarms)]
    found = scored([*surer, detection(1, 1, 0.5, bbox=[100, 100, 10, 10])])

    measures = found.regions["instrument"].measures

    assert [measures[f"box_ar{most}"] for most in (1, 10, 100)] == [ar1, ar10, ar100]
    assert measures["box_ar_small"] == 1  # of the 100 surest


@pytest.mark.parametrize(("height", "ap", "ap75"), [(32, 0.7, 1), (29, 0.5, 0)])
def test_overlap_decides_at_which_thresholds_a_detection_counts(scored, height, ap, ap75):
    # height of 40: overlap 0.8 is found at 0.50 ... 0.80, overlap 0.725 at 0.50 ... 0.70
    polyps = [
        detection(1, 3, 0.9, bbox=[10, 10, 40, height]),
        detection(2, 3, 0.9, bbox=[50, 20, 40, height]),
    ]

    measures = scored(polyps).regions["polyp"].measures

    assert measures["box_ap"] == pytest.approx(ap, abs=1e-9)
    assert measures["box_ap50"] == pytest.approx(1, abs=1e-9)
    assert measures["box_ap75"] == pytest.approx(ap75, abs=1e-9)


def test_all_is_the_mean_over_categories_with_something_to_find(scored):
    categories = [*CATEGORIES, {"id": 9, "name": "never there"}]
    found = scored([detection(1, 3, 0.9, bbox=[10, 10, 40, 40])], categories=categories).regions

    assert found["all"].measures["box_ap"] == pytest.approx((51 / 101 + 0) / 2, abs=1e-9)
    assert np.isnan(found["never there"].measures["box_ap"])


def test_crowds_are_neither_found_nor_missed(scored):
    crowd = annotation(1, 3, [60, 60, 50, 50], iscrowd=1)
    found = scored(
        [
            *perfect(),
            detection(1, 3, 0.99, bbox=[70, 70, 9, 9], segmentation=[[70, 70, 79, 70, 79, 79]]),
        ],
        [*ANNOTATIONS, crowd],
    )

    assert found.regions["polyp"].measures["box_ap"] == pytest.approx(1, abs=1e-9)
    assert found.regions["polyp"].measures["mask_ap"] == pytest.approx(1, abs=1e-9)


def test_without_masks_boxes_alone_are_scored(scored):
    found = scored(perfect(keys=("bbox",)))

    assert all(name.startswith("box_") for name in found.regions["all"].measures)
    assert found.notes == ()


def test_annotations_without_masks_leave_boxes_and_are_named(scored):
    bare = [{**ANNOTATIONS[0], "segmentation": []}, *ANNOTATIONS[1:]]

    found = scored(perfect(), bare)

    assert all(name.startswith("box_") for name in found.regions["all"].measures)
    assert found.notes == (
        "reference.json: 1 annotations have no mask, so boxes alone are scored.",
    )


def test_masks_without_a_pixel_are_named(scored):
    sliver = {**ANNOTATIONS[0], "id": 8, "segmentation": [[10.1, 10.1, 10.2, 10.1, 10.2, 10.2]]}
    found = perfect()
    found[1]["segmentation"] = {"size": [120, 160], "counts": [120 * 160]}

    assert scored(found, [*ANNOTATIONS, sliver]).notes == (
        "reference.json: 1 of 4 masks cover no pixel (annotation 8 is the first), and count as "
        "missed or as false alarms.",
        "found.json: 1 of 3 masks cover no pixel ([1] is the first), and count as missed or as "
        "false alarms.",
    )


def test_without_detections_all_is_missed():
    images = [{"id": number, "height": 120, "width": 160} for number in (1, 2)]
    numbered = [{"id": number, **each} for number, each in enumerate(ANNOTATIONS)]
    reference = {"images": images, "categories": CATEGORIES, "annotations": numbered}

    for kind in ("box", "mask"):
        whole, by_category = average_precision(reference, [], kind)
        assert whole["ap"] == by_category["polyp"]["ap"] == whole["ar100"] == 0
        assert np.isnan(whole["ap_large"])


def test_a_detection_without_a_box_has_the_one_around_its_mask(scored):
    found = scored(perfect(keys=("segmentation",))).regions["all"].measures

    assert found["box_ap"] == found["mask_ap"] == pytest.approx(1, abs=1e-9)


def test_masks_are_sorted_by_their_own_area_not_by_their_box(scored):
    # A false alarm whose thin mask is small and whose box is medium: among medium masks it does
    # not count, among medium boxes it does, and being surer halves the precision there.
    thin = {"bbox": [60, 60, 40, 40], "segmentation": [[60, 60, 62, 60, 100, 100, 98, 100]]}
    surer = detection(1, 3, 0.99, **thin)

    measures = scored([*perfect(), surer]).regions["polyp"].measures

    assert measures["mask_ap_medium"] == pytest.approx(1, abs=1e-9)
    assert measures["box_ap_medium"] < 0.9


@pytest.mark.parametrize("as_text", [True, False])
def test_run_lengths_may_be_text_or_lists(scored, as_text):
    mask_tools = pytest.importorskip("pycocotools.mask")
    mask = np.zeros((120, 160), dtype=np.uint8, order="F")
    mask[10:50, 10:50] = 1
    if as_text:
        counts = mask_tools.encode(mask)["counts"].decode()
    else:
        changes = np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=0))
        counts = np.diff(changes, prepend=0, append=mask.size).tolist()

    found = scored([detection(1, 3, 0.9, segmentation={"size": [120, 160], "counts": counts})])

    assert found.regions["polyp"].measures["mask_ap50"] == pytest.approx(51 / 101, abs=1e-9)


def test_nothing_is_printed(scored, capsys):
    scored(perfect())

    assert capsys.readouterr() == ("", "")


def test_the_files_content_is_not_changed(scored, tmp_path):
    scored(perfect())
    before = (tmp_path / "reference.json").read_bytes(), (tmp_path / "found.json").read_bytes()
    scored(perfect())

    assert before == (
        (tmp_path / "reference.json").read_bytes(),
        (tmp_path / "found.json").read_bytes(),
    )


def test_a_category_must_not_be_called_all(scored):
    with pytest.raises(InputError, match="reference.json: a category is called 'all'"):
        scored(perfect(), categories=[{"id": 3, "name": "all"}, {"id": 1, "name": "b"}])


def test_says_how_to_get_pycocotools(scored, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)

    with pytest.raises(InputError, match=r'pip install "inspire-med\[coco\]"'):
        scored(perfect())


def test_every_measure_stands_in_the_policy():
    text = "\n".join(COCO_DETECTION.policy)

    assert len(COCO_DETECTION.measures) == 24
    assert all(measure in text for measure in COCO_DETECTION.measures)


class TestRealAnnotations:
    @pytest.fixture
    def annotations(self, real_data):
        return real_data / "coco" / "annotations" / "instances_val2017.json"

    def test_perfect_detections_score_one_where_defined(self, annotations, tmp_path):
        truth = json.loads(annotations.read_text())
        (tmp_path / "found.json").write_text(json.dumps(perfect(truth["annotations"])))

        found = COCO_DETECTION.score(annotations, tmp_path / "found.json")

        assert len(found.regions) == 81
        # ar1 and ar10 allow too few detections for images with more objects
        names = [name for name in COCO_DETECTION.measures if not name.endswith(("ar1", "ar10"))]
        for name in names:
            assert found.regions["all"].measures[name] == pytest.approx(1, abs=1e-9)

    @pytest.mark.slow
    def test_equals_pycocotools_called_directly(self, annotations, tmp_path):
        detections = spoiled(json.loads(annotations.read_text()))
        (tmp_path / "found.json").write_text(json.dumps(detections))

        measures = (
            COCO_DETECTION.score(annotations, tmp_path / "found.json").regions["all"].measures
        )

        values = list(measures.values())
        boxes, masks = direct(annotations, detections)
        assert 0.1 < values[0] < 0.9
        assert values == [*boxes, *masks]


def spoiled(truth):
    """Annotations moved, missed, doubled and confused; masks as run lengths."""
    from pycocotools.coco import COCO

    with redirect_stdout(io.StringIO()):
        helper = COCO()
        helper.dataset = truth
        helper.createIndex()
    rng = np.random.default_rng(0)
    found = []
    for each in truth["annotations"]:
        if each["iscrowd"] or rng.random() < 0.2:
            continue
        mask = helper.annToRLE(each)
        counts = mask["counts"]
        found.append(
            {
                "image_id": each["image_id"],
                "category_id": each["category_id"] if rng.random() < 0.9 else 1,
                "bbox": (np.array(each["bbox"]) * rng.uniform(0.85, 1.15, size=4)).tolist(),
                "segmentation": {
                    "size": mask["size"],
                    "counts": counts.decode() if isinstance(counts, bytes) else counts,
                },
                "score": float(rng.random()),
            }
        )
    return found


def direct(annotations, detections):
    """The twelve numbers of boxes and of masks as pycocotools' own demonstration gets them."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    for kind, dropped in (("bbox", "segmentation"), ("segm", "bbox")):
        with redirect_stdout(io.StringIO()):
            truth = COCO(str(annotations))
            found = truth.loadRes(
                [
                    {key: value for key, value in each.items() if key != dropped}
                    for each in detections
                ]
            )
            evaluation = COCOeval(truth, found, kind)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        yield evaluation.stats.tolist()
