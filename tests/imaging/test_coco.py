import copy
import json

import pytest

from inspire_med.errors import InputError
from inspire_med.imaging.coco import read_annotations, read_detections

REFERENCE = {
    "images": [{"id": 7, "height": 20, "width": 30}],
    "categories": [{"id": 1, "name": "polyp"}, {"id": 2, "name": "tool"}],
    "annotations": [
        {
            "id": 4,
            "image_id": 7,
            "category_id": 1,
            "bbox": [2, 3, 5, 6],
            "area": 30,
            "iscrowd": 0,
            "segmentation": [[2, 3, 7, 3, 7, 9]],
        }
    ],
}
DETECTION = {"image_id": 7, "category_id": 1, "score": 0.5, "bbox": [2, 3, 5, 6]}


def changed(*path, to=None, remove=False):
    """The reference with one entry changed or removed."""
    content = copy.deepcopy(REFERENCE)
    place = content
    for step in path[:-1]:
        place = place[step]
    if remove:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return content


@pytest.fixture
def write(tmp_path):
    def _write(content, name="ref.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return _write


def test_reads_what_is_in_order(write):
    assert read_annotations(write(REFERENCE)) == REFERENCE
    assert read_detections(write([DETECTION], "found.json"), REFERENCE) == [DETECTION]


@pytest.mark.parametrize(
    "least",
    [
        changed("annotations", 0, "bbox", to=[-2, -3, 400, 600]),
        changed("annotations", 0, "bbox", to=[30, 20, 1, 1]),
        changed("annotations", 0, "id", to=0),
        changed("annotations", 0, "bbox", to=[2.5, 3, 0, 6]),
        changed("annotations", 0, "bbox", to=[2, 3, 5, 0]),
        changed("annotations", 0, "iscrowd", to=1),
    ],
)
def test_takes_boxes_without_area_or_upon_the_border_crowds_and_the_id_0(write, least):
    least["annotations"][0].pop("segmentation")

    assert read_annotations(write(least)) == least


def test_an_annotation_may_lack_a_mask(write):
    bare = changed("annotations", 0, "segmentation", remove=True)

    assert read_annotations(write(bare)) == bare


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "ref.json: not readable as JSON"),
        ([], "ref.json: not a COCO reference"),
        ({"images": []}, "ref.json: not a COCO reference"),
        (changed("images", to=[]), "ref.json: holds no images or no categories"),
        (changed("images", to={}), "ref.json: images is no list"),
        (changed("images", to=[1]), r"ref.json: images\[0\] is no object"),
        (changed("images", 0, "width", remove=True), r"images\[0\] has no width"),
        (changed("images", 0, "width", to="30"), "image 7: width '30'; give whole pixels"),
        (changed("images", to=REFERENCE["images"] * 2), "images: id 7 stands there twice"),
        (changed("images", 0, "id", to="7"), "images: id '7' is not a whole number"),
        (changed("categories", 1, "id", to=1), "categories: id 1 stands there twice"),
        (changed("categories", 1, "name", to="polyp"), "name 'polyp' stands there twice"),
        (changed("categories", 1, "name", to=None), "categories: name None is not text"),
        (changed("annotations", 0, "area", remove=True), r"annotations\[0\] has no area"),
        (
            changed("annotations", to=REFERENCE["annotations"] * 2),
            "annotations: id 4 stands there tw",
        ),
        (changed("annotations", 0, "id", to="4"), "annotations: id '4' is not a whole number"),
        (changed("annotations", 0, "id", remove=True), r"annotations\[0\] has no id"),
        (
            changed("annotations", 0, "image_id", to=8),
            "annotation 4: image_id 8 is not among the reference's im",
        ),
        (changed("annotations", 0, "category_id", to=3), "category_id 3 is not among"),
        (changed("annotations", 0, "category_id", to=[3]), r"category_id \[3\] is not among"),
        (changed("annotations", 0, "bbox", to=[1, 2, 3]), r"bbox \[1, 2, 3\] is not \[left, top"),
        (changed("annotations", 0, "bbox", to=[1, 2, "3", 4]), r"bbox \[1, 2, '3', 4\] is not"),
        (
            changed("annotations", 0, "bbox", to=[2, 3, -5, 6]),
            r"annotation 4: bbox \[2, 3, -5, 6\] is",
        ),
        (
            changed("annotations", 0, "bbox", to=[float("nan"), 3, 5, 6]),
            r"bbox \[nan, 3, 5, 6\] is",
        ),
        (
            changed("annotations", 0, "bbox", to=[2, float("inf"), 5, 6]),
            r"bbox \[2, inf, 5, 6\] is",
        ),
        (changed("annotations", 0, "bbox", to=[2, 21, 5, 6]), "outside its picture of 30 x 20"),
        (changed("annotations", 0, "bbox", to=[31, 3, 5, 6]), "outside its picture of 30 x 20"),
        (changed("annotations", 0, "bbox", to=[2, -7, 5, 6]), "outside its picture of 30 x 20"),
        (changed("annotations", 0, "bbox", to=[-6, 3, 5, 6]), "outside its picture of 30 x 20"),
        (changed("annotations", 0, "bbox", to=[None, 2, 3, 4]), r"bbox \[None, 2, 3, 4\] is not"),
        (changed("images", 0, "height", to=0), "image 7: height 0; give whole pixels"),
        (changed("annotations", 0, "area", to=None), "annotation 4: area None is not a finite"),
        (changed("annotations", 0, "iscrowd", to=2), "annotation 4: iscrowd 2 is not 0 or 1"),
        (changed("annotations", 0, "area", to=float("nan")), "area nan is not a finite number"),
        (
            changed("annotations", 0, "segmentation", to=[[2, 3, 7, float("nan"), 7, 9]]),
            "annotation 4: segmentation is neither",
        ),
        (changed("annotations", 0, "segmentation", to=[[1, 2, 3, 4]]), "nor polygons of at least"),
    ],
)
def test_says_what_is_wrong_with_a_reference(write, content, message):
    with pytest.raises(InputError, match=message):
        read_annotations(write(content))


def runs(counts, size=(20, 30)):
    return [{**DETECTION, "segmentation": {"size": list(size), "counts": counts}}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", "found.json: not readable as JSON"),
        (REFERENCE, "found.json: not a list of detections"),
        ([], "found.json: holds no detections"),
        ([7], r"found.json: \[0\] is no object"),
        ([{"image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1]}], r"\[0\] has no score"),
        ([{**DETECTION, "image_id": 8}], r"\[0\]: image_id 8 is not among the reference's images"),
        ([{**DETECTION, "category_id": 8}], "category_id 8 is not among the reference's categor"),
        ([{**DETECTION, "score": "high"}], r"\[0\]: score 'high' is not a finite number"),
        ([{**DETECTION, "score": float("nan")}], r"\[0\]: score nan is not a finite number"),
        ([{**DETECTION, "bbox": [0, 0, -1, 5]}], r"\[0\]: bbox \[0, 0, -1, 5\] is not \[left"),
        ([{**DETECTION, "bbox": None}], r"\[0\]: bbox None is not \[left"),
        (
            [{key: DETECTION[key] for key in ("image_id", "category_id", "score")}],
            "found.json: detections have neither bbox nor segmentation",
        ),
        (
            [DETECTION, {key: value for key, value in DETECTION.items() if key != "bbox"}],
            r"found.json: \[1\] has no bbox, others have",
        ),
        ([{**DETECTION, "segmentation": []}], r"\[0\]: segmentation is neither run lengths"),
        ([{**DETECTION, "segmentation": "x"}], r"\[0\]: segmentation is neither run lengths"),
        (runs([600], (30, 20)), r"segmentation of size \[30, 20\], its picture has \[20, 30\]"),
        (runs([100, 400]), r"\[0\]: run lengths do not fill 20 x 30"),
        (runs([-10, 610]), r"\[0\]: run lengths do not fill 20 x 30"),
        (runs("garbage!!"), r"\[0\]: run lengths do not fill 20 x 30"),
    ],
)
def test_says_what_is_wrong_with_detections(write, content, message):
    with pytest.raises(InputError, match=message):
        read_detections(write(content, "found.json"), REFERENCE)


@pytest.mark.parametrize("counts", [[10, 20, 570], ":d0ja0"])
def test_takes_run_lengths_as_list_and_as_text(write, counts):
    detections = runs(counts)

    assert read_detections(write(detections, "found.json"), REFERENCE) == detections
