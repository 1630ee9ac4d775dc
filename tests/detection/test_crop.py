import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.datasets import CocoDataset
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes
from mmdet.structures.mask import BitmapMasks, PolygonMasks
from mmengine.registry import init_default_scope

from inspire_med.detection.crop import RandResizeCrop
from inspire_med.errors import InputError


@pytest.fixture(autouse=True)
def numpy_seed():
    np.random.seed(0)  # noqa: NPY002 - the generator that the transform uses


@pytest.fixture(autouse=True)
def scope():
    init_default_scope("mmdet")


def example(height, width, boxes, ignored=None, **more):
    """An image whose pixels tell their own place: (row, column, 0)."""
    image = np.zeros((height, width, 3), np.float32)
    image[..., 0], image[..., 1] = np.mgrid[:height, :width]
    count = len(boxes)
    return {
        "img": image,
        "img_shape": (height, width),
        "gt_bboxes": HorizontalBoxes(torch.tensor(boxes, dtype=torch.float32).view(-1, 4)),
        "gt_bboxes_labels": np.arange(count),
        "gt_ignore_flags": np.array([False] * count if ignored is None else ignored, dtype=bool),
        **more,
    }


def unscaled(height, width, size, **options):
    """A crop whose one scale is the image's own."""
    scale = (max(height, width), min(height, width))
    return RandResizeCrop([scale], size, **{"jitter": (0, 0), **options})


def window(results):
    """(top, left, height, width) as the pixels tell it."""
    top, left = results["img"][0, 0, :2].astype(int)
    return (top, left, *results["img"].shape[:2])


# Height, width, one box, size, and the window by hand.
WINDOWS = {
    "landscape": (100, 200, (90, 40, 110, 60), (80, 60), (20, 60, 60, 80)),
    "portrait": (200, 100, (40, 90, 60, 110), (80, 60), (60, 20, 80, 60)),
    "square, as landscape": (100, 100, (40, 40, 60, 60), (80, 60), (20, 10, 60, 80)),
    "shifted to the top left": (100, 200, (0, 0, 10, 10), (80, 60), (0, 0, 60, 80)),
    "shifted to the bottom right": (100, 200, (190, 90, 200, 100), (80, 60), (40, 120, 60, 80)),
    "half a pixel, to even": (100, 200, (90, 40, 111, 61), (80, 60), (20, 60, 60, 80)),
    "odd window": (100, 200, (90, 40, 110, 60), (81, 61), (20, 60, 61, 81)),
    "lower than the window": (50, 200, (90, 20, 110, 40), (80, 60), (0, 60, 50, 80)),
    "smaller than the window": (50, 70, (10, 10, 20, 20), (80, 60), (0, 0, 50, 70)),
    "as large as the window": (60, 80, (10, 10, 20, 20), (80, 60), (0, 0, 60, 80)),
}


@pytest.mark.parametrize(
    ("height", "width", "box", "size", "expected"), WINDOWS.values(), ids=WINDOWS
)
def test_windows_by_hand(height, width, box, size, expected):
    results = unscaled(height, width, size)(example(height, width, [box]))

    assert window(results) == expected
    assert results["img_shape"] == expected[2:]
    top, left = expected[:2]
    moved = np.array(box) - [left, top, left, top]
    np.testing.assert_array_equal(results["gt_bboxes"].numpy(), [moved])
    np.testing.assert_array_equal(
        results["homography_matrix"], [[1, 0, -left], [0, 1, -top], [0, 0, 1]]
    )


def test_resizes_before_it_crops():
    results = RandResizeCrop([(200, 100)], (80, 60), jitter=(0, 0))(
        example(50, 100, [(45, 20, 55, 30)])
    )

    assert results["img"].shape == (60, 80, 3)
    assert results["img_shape"] == (60, 80)
    assert results["scale_factor"] == (2, 2)
    np.testing.assert_array_equal(results["gt_bboxes"].numpy(), [[30, 20, 50, 40]])
    np.testing.assert_array_equal(
        results["homography_matrix"], [[2, 0, -60], [0, 2, -20], [0, 0, 1]]
    )


@pytest.mark.parametrize(
    ("height", "width", "scale", "resized"),
    [
        (333, 500, (1400, 300), (300, 450)),  # the short side decides: 300 / 333
        (333, 500, (400, 300), (266, 400)),  # the long side decides: 400 / 500
        (500, 333, (400, 300), (400, 266)),
        (640, 427, (1400, 1000), (1400, 934)),
    ],
)
def test_a_scale_is_the_most_that_the_sides_may_become(height, width, scale, resized):
    box = (0, 0, width, height)
    results = RandResizeCrop([scale], (2000, 2000))(example(height, width, [box]))

    assert results["img_shape"] == resized
    assert results["scale_factor"] == (resized[1] / width, resized[0] / height)
    np.testing.assert_allclose(results["gt_bboxes"].numpy(), [[0, 0, resized[1], resized[0]]])


def test_an_earlier_homography_stays_in():
    before = np.array([[-1, 0, 200], [0, 1, 0], [0, 0, 1]], np.float32)
    results = unscaled(100, 200, (80, 60))(
        example(100, 200, [(90, 40, 110, 60)], homography_matrix=before)
    )

    np.testing.assert_array_equal(
        results["homography_matrix"], [[-1, 0, 140], [0, 1, -20], [0, 0, 1]]
    )


def test_every_scale_is_as_likely():
    scales = [(14, 6), (14, 8), (14, 10)]
    crop = RandResizeCrop(scales, (12, 8))
    drawn = [crop(example(10, 14, [(2, 2, 8, 8)]))["scale"] for _ in range(1500)]

    for scale in scales:  # 500 each, five standard deviations (18) to either side
        assert abs(drawn.count(scale) - 500) < 91


def test_every_box_that_is_not_ignored_is_as_likely_and_no_crowd_is_chosen():
    boxes = [(20 * i + 6, 8, 20 * i + 14, 12) for i in range(4)]
    crop = unscaled(20, 100, (10, 10))
    lefts = [
        window(crop(example(20, 100, boxes, [False, True, False, False])))[1] for _ in range(1500)
    ]

    assert set(lefts) == {5, 45, 65}
    for left in set(lefts):
        assert abs(lefts.count(left) - 500) < 91


def test_noise_is_of_whole_pixels_from_minus_to_just_below_the_jitter():
    crop = RandResizeCrop([(200, 100)], (80, 40))
    windows = [window(crop(example(100, 200, [(90, 40, 110, 60)]))) for _ in range(1500)]

    assert {top - 30 for top, *_ in windows} == set(range(-10, 10))
    assert {left - 60 for _, left, *_ in windows} == set(range(-30, 30))


def test_the_generator_is_numpys_own():
    crop = RandResizeCrop([(200, 100), (180, 100)], (80, 60))

    def draw():
        np.random.seed(3)  # noqa: NPY002
        return [
            crop(example(100, 200, [(90, 40, 110, 60)]))["homography_matrix"] for _ in range(20)
        ]

    np.testing.assert_array_equal(draw(), draw())


def test_a_box_stays_if_its_centre_is_strictly_inside():
    # The window is columns 60 to 140, rows 20 to 80. The crowds are centred on and by its borders.
    centres = [(60, 50), (61, 50), (139, 50), (140, 50), (100, 20), (100, 21), (100, 79), (100, 80)]
    boxes = [(90, 40, 110, 60)] + [(x - 4, y - 4, x + 4, y + 4) for x, y in centres]
    ignored = [False] + [True] * 8

    results = unscaled(100, 200, (80, 60))(example(100, 200, boxes, ignored))

    assert window(results) == (20, 60, 60, 80)
    np.testing.assert_array_equal(results["gt_bboxes_labels"], [0, 2, 3, 6, 7])
    np.testing.assert_array_equal(results["gt_ignore_flags"], [False, True, True, True, True])
    np.testing.assert_array_equal(
        results["gt_bboxes"].numpy(),
        [
            [30, 20, 50, 40],
            [0, 26, 5, 34],  # clipped on the left
            [75, 26, 80, 34],  # on the right
            [36, 0, 44, 5],  # at the top
            [36, 55, 44, 60],  # at the bottom
        ],
    )


def test_crowds_move_along():
    boxes = [(90, 40, 110, 60), (70, 30, 130, 70)]
    results = unscaled(100, 200, (80, 60))(example(100, 200, boxes, [False, True]))

    np.testing.assert_array_equal(
        results["gt_bboxes"].numpy(), [[30, 20, 50, 40], [10, 10, 70, 50]]
    )
    np.testing.assert_array_equal(results["gt_ignore_flags"], [False, True])


def test_no_sample_where_nothing_is_left_but_crowds():
    crop = unscaled(100, 200, (80, 60))

    assert crop(example(100, 200, [(90, 40, 110, 60)], [True])) is None
    assert crop(example(100, 200, [])) is None
    anywhere = unscaled(100, 200, (20, 20), mode="random")
    left = [anywhere(example(100, 200, [(0, 0, 8, 8), (60, 20, 180, 80)], [False, True]))] * 50
    assert any(results is None for results in left)


def test_a_box_without_area_goes():
    boxes = [(90, 40, 110, 60), (100, 45, 100, 55), (95, 50, 105, 50)]
    for _ in range(20):
        results = unscaled(100, 200, (80, 60))(example(100, 200, boxes))
        np.testing.assert_array_equal(results["gt_bboxes_labels"], [0])


def test_images_without_boxes_are_cropped_anywhere():
    seen = set()
    for _ in range(300):
        results = example(12, 20, [])
        for name in ("gt_bboxes", "gt_bboxes_labels", "gt_ignore_flags"):
            del results[name]
        results["gt_seg_map"] = results["img"][..., 0].astype(np.uint8)
        results = unscaled(12, 20, (16, 10))(results)
        np.testing.assert_array_equal(results["gt_seg_map"], results["img"][..., 0])
        seen.add(window(results))

    assert seen == {(top, left, 10, 16) for top in range(3) for left in range(5)}


def test_the_random_mode_takes_any_window_with_equal_chance():
    crop = unscaled(12, 20, (16, 10), mode="random")
    drawn = [window(crop(example(12, 20, [(8, 4, 12, 8)]))) for _ in range(1500)]

    for top in range(3):
        for left in range(5):  # 100 each, five standard deviations (9.7) to either side
            assert abs(drawn.count((top, left, 10, 16)) - 100) < 48


def test_takes_and_gives_plain_arrays_and_does_without_flags():
    results = example(100, 200, [(90, 40, 110, 60)])
    results["gt_bboxes"] = results["gt_bboxes"].numpy()
    del results["gt_ignore_flags"]

    results = unscaled(100, 200, (80, 60))(results)

    assert isinstance(results["gt_bboxes"], np.ndarray)
    np.testing.assert_array_equal(results["gt_bboxes"], [[30, 20, 50, 40]])
    assert "gt_ignore_flags" not in results


def random_example(random):
    """Boxes anywhere, crowds among them, each with a rectangular mask inside, twice."""
    height, width = random.integers(40, 120, 2).tolist()
    corners = random.integers(0, [width - 8, height - 8], (random.integers(1, 9), 2))
    sides = random.integers(3, 40, corners.shape)
    boxes = np.concatenate([corners, np.minimum(corners + sides, [width, height])], 1)
    bitmaps = np.zeros((len(boxes), height, width), np.uint8)
    polygons = []
    for bitmap, (x1, y1, x2, y2) in zip(bitmaps, boxes, strict=True):
        bitmap[y1:y2, x1:x2] = 1
        polygons.append([np.array([x1, y1, x2, y1, x2, y2, x1, y2], float)])
    made = example(height, width, boxes.tolist(), random.random(len(boxes)) < 0.3)
    return made, boxes, BitmapMasks(bitmaps, height, width), PolygonMasks(polygons, height, width)


@pytest.mark.parametrize("mode", ["center", "random"])
def test_agrees_with_a_second_implementation_on_random_images(mode):
    random = np.random.default_rng(0)
    kept_any = 0
    for number in range(300):
        made, boxes, bitmaps, polygons = random_example(random)
        height, width = made["img_shape"]
        ignored = made["gt_ignore_flags"].copy()
        made["gt_masks"] = polygons if number % 2 else bitmaps
        made["gt_seg_map"] = (bitmaps.masks * np.arange(1, len(boxes) + 1)[:, None, None]).max(0)
        semantic = made["gt_seg_map"].copy()
        size = tuple(sorted(random.integers(20, 90, 2).tolist(), reverse=True))

        results = unscaled(height, width, size, mode=mode)(made)

        if results is None:
            assert mode == "random" or ignored.all()
            continue
        kept_any += 1
        top, left, rows, columns = window(results)
        assert 0 <= top <= top + rows <= height
        assert 0 <= left <= left + columns <= width
        upright = height > width
        assert rows == min(size[0] if upright else size[1], height)
        assert columns == min(size[1] if upright else size[0], width)
        if mode == "center":
            assert any(
                _centred(top, rows, height, (y1 + y2) / 2)
                and _centred(left, columns, width, (x1 + x2) / 2)
                for x1, y1, x2, y2 in boxes[~ignored]
            )
        expected = []
        for label, (x1, y1, x2, y2) in enumerate(boxes):
            x, y = (x1 + x2) / 2 - left, (y1 + y2) / 2 - top
            if 0 < x < columns and 0 < y < rows:
                clipped = np.clip(
                    [x1 - left, y1 - top, x2 - left, y2 - top], 0, [columns, rows, columns, rows]
                )
                expected.append((label, clipped))
        labels = [label for label, _ in expected]
        assert not ignored[labels].all()
        np.testing.assert_array_equal(results["gt_bboxes_labels"], labels)
        np.testing.assert_array_equal(results["gt_ignore_flags"], ignored[labels])
        np.testing.assert_array_equal(results["gt_bboxes"].numpy(), [box for _, box in expected])
        masks = results["gt_masks"]
        assert type(masks) is type(made["gt_masks"])
        assert (masks.height, masks.width) == (rows, columns)
        inside = np.s_[top : top + rows, left : left + columns]
        np.testing.assert_array_equal(
            masks.to_ndarray(), [bitmaps.masks[label][inside] for label in labels]
        )
        for mask, (_, (x1, y1, x2, y2)) in zip(masks.to_ndarray(), expected, strict=True):
            ys, xs = np.nonzero(mask)
            assert (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) == (x1, y1, x2, y2)
        np.testing.assert_array_equal(results["gt_seg_map"], semantic[inside])
    assert kept_any > 100


def _centred(start, side, whole, centre):
    """Half a pixel from the middle (a pixel for odd sides), or shifted to a border."""
    return abs(start + side / 2 - centre) <= 1 or start in (0, whole - side)


@pytest.mark.slow
@pytest.mark.parametrize("polygons", [False, True])
@pytest.mark.parametrize("split", ["train2017", "val2017"])
def test_real_images_with_crowds(real_data, split, polygons):
    pipeline = [
        {"type": "LoadImageFromFile"},
        {
            "type": "LoadAnnotations",
            "with_bbox": True,
            "with_mask": True,
            "poly2mask": not polygons,
        },
    ]
    dataset = CocoDataset(
        ann_file=f"annotations/instances_{split}.json",
        data_root=str(real_data / "coco"),
        data_prefix={"img": f"{split}/"},
        filter_cfg={"filter_empty_gt": True, "min_size": 32},
        pipeline=pipeline,
    )
    crop = RandResizeCrop([(350, 150), (350, 200), (350, 250)], (300, 200))
    seen = moved = 0
    for index in range(len(dataset)):
        loaded = dataset[index]
        if not loaded["gt_ignore_flags"].any():
            continue
        seen += 1
        before, ignored = loaded["gt_bboxes"].clone(), loaded["gt_ignore_flags"].copy()
        results = crop(loaded)
        # The homography alone must lead from the old boxes to the new ones.
        height, width = results["img_shape"]
        before.project_(results["homography_matrix"])
        x, y = before.centers.numpy().T
        inside = (x > 0) & (x < width) & (y > 0) & (y < height)
        before = before[inside]
        before.clip_((height, width))
        np.testing.assert_allclose(results["gt_bboxes"].numpy(), before.numpy(), atol=0.01)
        np.testing.assert_array_equal(results["gt_ignore_flags"], ignored[inside])
        assert results["img"].shape[:2] == (height, width)
        assert max(height, width) <= 300
        assert min(height, width) <= 200
        moved += results["gt_ignore_flags"].sum()
        _check_masks(results)
    assert seen >= 5
    assert moved >= 2


def _check_masks(results):
    """What is left of a mask lies in its box, to the pixel that nearest resizing may err by."""
    masks = results["gt_masks"].to_ndarray()
    assert masks.shape == (len(results["gt_bboxes"]), *results["img_shape"])
    for mask, box in zip(masks, results["gt_bboxes"].numpy(), strict=True):
        ys, xs = np.nonzero(mask)
        if xs.size:
            assert (np.array([xs.min(), ys.min()]) >= box[:2] - 2).all()
            assert (np.array([xs.max(), ys.max()]) <= box[2:] + 2).all()


def test_registers_and_packs_with_mmdets_other_transforms(real_data):
    dataset = CocoDataset(
        ann_file="annotations/instances_train2017.json",
        data_root=str(real_data / "coco"),
        data_prefix={"img": "train2017/"},
        pipeline=[
            {"type": "LoadImageFromFile"},
            {"type": "LoadAnnotations", "with_bbox": True},
            {"type": "RandResizeCrop", "scales": [[140, 60]], "size": [120, 50]},
            {"type": "RandomFlip", "prob": 1.0},
            {"type": "PackDetInputs"},
        ],
    )

    packed = dataset[9]

    assert packed["inputs"].shape[1:] == packed["data_samples"].img_shape
    assert len(packed["data_samples"].gt_instances.bboxes) > 0
    assert TRANSFORMS.get("RandResizeCrop") is RandResizeCrop


def test_an_image_without_a_window_stops_its_pipeline():
    assert Compose([unscaled(9, 9, (4, 4)), lambda results: 1 / 0])(example(9, 9, [])) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scales": []}, "RandResizeCrop.scales is empty"),
        ({"scales": [(600, 1400)]}, r"RandResizeCrop.scales=\(600, 1400\) is not a longer"),
        ({"size": (800, 1200)}, r"RandResizeCrop.size=\(800, 1200\) is not a longer"),
        ({"mode": "middle"}, "RandResizeCrop.mode='middle' is unknown; give center or random"),
    ],
)
def test_says_what_it_needs(options, message):
    with pytest.raises(InputError, match=message):
        RandResizeCrop(**{"scales": [(1400, 600)], "size": (1200, 800), **options})
