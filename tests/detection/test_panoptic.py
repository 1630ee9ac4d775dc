import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType, SimpleNamespace

import mmdet.evaluation.functional.panoptic_utils as official
import numpy as np
import pytest
import torch
from mmdet.datasets import CocoPanopticDataset
from mmdet.datasets.transforms import LoadPanopticAnnotations
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from PIL import Image

from inspire_med.detection.panoptic import LoadPanopticSegments, read_segments
from inspire_med.detection.panoptic_quality import PanopticQuality, Segments, count
from inspire_med.detection.settings import read_settings
from inspire_med.detection.verdict import check_data
from inspire_med.errors import InputError

CONFIGS = Path(__file__).parents[2] / "configs" / "detection"
ALL = {"with_bbox": True, "with_mask": True, "with_seg": True}
META = {
    "classes": ("cat", "dog", "sky", "sea"),
    "thing_classes": ("cat", "dog"),
    "stuff_classes": ("sky", "sea"),
}


@pytest.fixture(autouse=True)
def scope() -> None:
    init_default_scope("mmdet")


@pytest.fixture
def sample(real_data) -> Path:
    """Two images of COCO with their panoptic annotations, a crowd on both."""
    return real_data / "coco" / "panoptic_sample" / "sample_data"


@pytest.fixture
def dataset(sample) -> CocoPanopticDataset:
    return CocoPanopticDataset(
        data_root=str(sample),
        ann_file="panoptic_examples.json",
        data_prefix={"img": "input_images", "seg": "panoptic_examples"},
        pipeline=[],
    )


def with_shape(info: dict) -> dict:
    return info | {"ori_shape": (info["height"], info["width"])}


def ids_of(file: str | Path) -> np.ndarray:
    red, green, blue = np.moveaxis(np.asarray(Image.open(file).convert("RGB")).astype(int), -1, 0)
    return red + 256 * green + 65536 * blue


def write_ids(file: Path, ids: np.ndarray) -> str:
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], -1)
    Image.fromarray(colours.astype(np.uint8)).save(file)
    return str(file)


def cut(picture: str, classes: dict[str, int], crowds: str = "") -> Segments:
    """Segments of a picture of one row, a letter a segment, and a dot where there is none."""
    letters = sorted(classes)
    places = [letters.index(letter) if letter != "." else len(letters) for letter in picture]
    return Segments(
        np.array([places]),
        np.array([classes[letter] for letter in letters], int),
        np.array([letter in crowds for letter in letters], bool),
    )


# Truth, its classes and crowds, prediction, its classes; then by hand for the classes 0, 1, 2 the
# sum of IoUs, and the numbers of matched, invented and missed segments.
CASES = {
    "matched": ("aaaaaa....", {"a": 0}, "", "xxxx......", {"x": 0}, (4 / 6, 0, 0), 1, 0, 0),
    "half is no match": ("aaaa....", {"a": 2}, "", "xx......", {"x": 2}, (0, 0, 0), 0, 1, 1),
    "above half is": ("aaaaa", {"a": 2}, "", "xxx..", {"x": 2}, (0, 0, 0.6), 1, 0, 0),
    "another class": ("aaaa", {"a": 0}, "", "xxxx", {"x": 1}, (0, 0, 0), 0, 1, 1),
    "two of a class": ("aaabbb", {"a": 1, "b": 1}, "", "xxxxyy", {"x": 1, "y": 1}, None, 2, 0, 0),
    "void is in no union": ("aaaa......", {"a": 0}, "", "xxxxxxxxxx", {"x": 0}, (1, 0, 0), 1, 0, 0),
    "mostly on void": ("aaaa......", {"a": 0}, "", "xxxxxxxxxx", {"x": 1}, (0, 0, 0), 0, 0, 1),
    "half on void": ("aaaaa.....", {"a": 0}, "", "xxxxxxxxxx", {"x": 1}, (0, 0, 0), 0, 1, 1),
    "a crowd excuses": ("aaaaaa", {"a": 0}, "a", "xxxyyy", {"x": 0, "y": 0}, (0, 0, 0), 0, 0, 0),
    "a crowd is no match": ("aaaaaa", {"a": 0}, "a", "xxxxxx", {"x": 0}, (0, 0, 0), 0, 0, 0),
    "nor another class": ("aaaaaa", {"a": 0}, "a", "xxxxxx", {"x": 1}, (0, 0, 0), 0, 1, 0),
    "crowd and void": ("aaa.bbb", {"a": 1, "b": 0}, "a", "xxxxxxx", {"x": 1}, None, 0, 0, 1),
    "nothing found": ("aabbb.", {"a": 0, "b": 2}, "", "......", {}, (0, 0, 0), 0, 0, 2),
    "nothing there": ("......", {}, "", "xxx.yy", {"x": 0, "y": 2}, (0, 0, 0), 0, 0, 0),
    "neither": ("...", {}, "", "...", {}, (0, 0, 0), 0, 0, 0),
}
OVERLAPS = {"two of a class": (0, 3 / 4 + 2 / 3, 0), "crowd and void": (0, 0, 0)}


@pytest.mark.parametrize("name", CASES)
def test_segments_are_matched_as_by_hand(name):
    picture, classes, crowds, found, guesses, overlap, matched, invented, missed = CASES[name]
    counts = count(cut(picture, classes, crowds), cut(found, guesses), 3)
    np.testing.assert_allclose(counts.overlap, overlap or OVERLAPS[name])
    assert (counts.matched.sum(), counts.invented.sum(), counts.missed.sum()) == (
        matched,
        invented,
        missed,
    )


def test_counts_go_to_the_classes_they_belong_to():
    counts = count(cut("aabb", {"a": 0, "b": 2}), cut("xxyy", {"x": 1, "y": 2}), 3)
    assert counts.matched.tolist() == [0, 0, 1]
    assert counts.invented.tolist() == [0, 1, 0]
    assert counts.missed.tolist() == [1, 0, 0]


def test_pixels_of_classes_are_counted_as_by_hand():
    truth = cut("aabbcccc..", {"a": 0, "b": 0, "c": 2}, crowds="b")
    counts = count(truth, cut("xxx.yyxxzz", {"x": 0, "y": 2, "z": 1}), 3)
    assert counts.agreed.tolist() == [3, 0, 2]
    assert counts.either.tolist() == [4 + 5 - 3, 0, 4 + 2 - 2]  # z lies where nothing is labelled


def blocks(random: np.random.Generator, labels: int) -> np.ndarray:
    return np.kron(random.integers(0, labels, (4, 5)), np.ones((3, 2), int))


class OfficialStat(defaultdict):
    """What mmdet's copy of COCO's evaluator wants of `panopticapi`."""

    def __init__(self) -> None:
        super().__init__(lambda: SimpleNamespace(tp=0, fp=0, fn=0, iou=0.0))


def test_it_counts_as_the_official_evaluator_on_random_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(official, "PQStat", OfficialStat)
    monkeypatch.setattr(official, "rgb2id", lambda colours: colours @ np.array([1, 256, 65536]))
    random = np.random.default_rng(0)
    seen = np.zeros(3)
    for number in range(40):
        true = blocks(random, 6)
        found = np.where(random.random(true.shape) < 0.3, blocks(random, 7), true)
        # Ids above 255; label 0 is void; at most one crowd a class, as in COCO.
        ids = {label: 70_000 + 300 * label for label in np.unique([true, found]) if label}
        kinds = dict(zip(range(1, 7), random.integers(0, 3, 6).tolist(), strict=True))
        crowd = random.integers(0, 7)

        def listed(
            picture: np.ndarray, name: str, ids=ids, kinds=kinds, crowd=crowd, number=number
        ) -> dict:
            labels = [label for label in np.unique(picture).tolist() if label]
            colours = sum((picture == label) * ids[label] for label in labels)
            write_ids(tmp_path / name, colours + np.zeros(picture.shape, int))
            segments = [
                {
                    "id": ids[label],
                    "category_id": kinds[label],
                    "iscrowd": int(label == crowd),
                    "area": int((picture == label).sum()),
                }
                for label in labels
            ]
            return {"image_id": number, "file_name": name, "segments_info": segments}

        truth, guess = listed(true, "true.png"), listed(found, "found.png")
        expected = official.pq_compute_single_core(
            0, [(truth, guess)], str(tmp_path), str(tmp_path), {0, 1, 2}
        )
        cuts = [
            Segments(
                read_segments(str(tmp_path / one["file_name"]), one["segments_info"], true.shape),
                np.array([segment["category_id"] for segment in one["segments_info"]]),
                np.array([segment["iscrowd"] for segment in one["segments_info"]], bool),
            )
            for one in (truth, guess)
        ]
        counts = count(*cuts, classes=3)
        for kind in range(3):
            stat = expected[kind]
            assert counts.overlap[kind] == pytest.approx(stat.iou)
            numbers = (counts.matched[kind], counts.invented[kind], counts.missed[kind])
            assert numbers == (stat.tp, stat.fp, stat.fn)
            seen += numbers
    assert seen.min() > 10


def test_loads_what_mmdets_own_transform_loads(dataset, monkeypatch):
    package = ModuleType("panopticapi")
    package.utils = SimpleNamespace(
        rgb2id=lambda colours: colours.astype(np.int32) @ np.array([1, 256, 65536], np.int32)
    )
    monkeypatch.setitem(sys.modules, "panopticapi", package)
    for number in range(2):
        info = with_shape(dataset.get_data_info(number))
        ours = LoadPanopticSegments(**ALL).transform(dict(info))
        theirs = LoadPanopticAnnotations().transform(dict(info))

        assert ours.keys() == theirs.keys()
        torch.testing.assert_close(ours["gt_bboxes"].tensor, theirs["gt_bboxes"].tensor)
        for name in ("gt_bboxes_labels", "gt_ignore_flags", "gt_seg_map"):
            np.testing.assert_array_equal(ours[name], theirs[name], strict=True)
        masks, expected = ours["gt_masks"], theirs["gt_masks"]
        assert (masks.height, masks.width) == info["ori_shape"]
        np.testing.assert_array_equal(masks.masks, expected.masks, strict=True)


def test_masks_are_the_listed_areas_within_their_boxes_and_crowds_have_none(dataset):
    for number, things in ((0, 14), (1, 26)):
        info = with_shape(dataset.get_data_info(number))
        loaded = LoadPanopticSegments(**ALL).transform(info)
        areas = {segment["id"]: 0 for segment in info["segments_info"] if segment["is_thing"]}
        for key in areas:
            areas[key] = int((ids_of(info["seg_map_path"]) == key).sum())

        assert loaded["gt_masks"].masks.sum((1, 2)).tolist() == list(areas.values())
        assert len(loaded["gt_masks"]) == len(loaded["gt_bboxes"]) == things
        own = loaded["gt_masks"].get_bboxes("hbox").tensor
        torch.testing.assert_close(own, loaded["gt_bboxes"].tensor)
        void = ids_of(info["seg_map_path"]) == 0
        np.testing.assert_array_equal(loaded["gt_seg_map"] == 255, void)


def test_loads_only_what_is_asked_for_and_what_is_there(dataset):
    info = with_shape(dataset.get_data_info(0))
    assert "gt_masks" not in LoadPanopticSegments(with_seg=True).transform(dict(info))
    assert "gt_seg_map" not in LoadPanopticSegments(with_mask=True).transform(dict(info))
    bare = LoadPanopticSegments(**ALL).transform(info | {"seg_map_path": None})
    assert "gt_masks" not in bare
    assert "gt_bboxes" in bare


def test_an_image_without_a_segment(tmp_path):
    file = write_ids(tmp_path / "empty.png", np.zeros((3, 5), int))
    loaded = LoadPanopticSegments(**ALL).transform(
        {"seg_map_path": file, "segments_info": [], "instances": [], "ori_shape": (3, 5)}
    )
    assert loaded["gt_masks"].masks.shape == (0, 3, 5)
    assert loaded["gt_bboxes"].tensor.shape == (0, 4)
    assert (loaded["gt_seg_map"] == 255).all()


def test_a_panoptic_png_that_is_not_what_it_should_be(tmp_path, sample, dataset):
    with pytest.raises(InputError, match=r"none.png: no such panoptic PNG; set data_prefix.seg"):
        read_segments(str(tmp_path / "none.png"), [], (3, 5))
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match="text.png: cannot be read as a picture; fetch it again"):
        read_segments(str(tmp_path / "text.png"), [], (3, 5))
    file = write_ids(tmp_path / "small.png", np.zeros((3, 5), int))
    with pytest.raises(InputError, match="small.png: is 5 x 3, but its image 6 x 4; set"):
        read_segments(file, [], (4, 6))
    info = with_shape(dataset.get_data_info(0))
    other = str(sample / "panoptic_examples_2ch_format" / Path(info["seg_map_path"]).name)
    with pytest.raises(InputError, match=r"142238.png: has no pixel of segment \d+, which the ann"):
        LoadPanopticSegments(**ALL).transform(info | {"seg_map_path": other})


def scored(samples: list[dict], meta: dict, **options) -> dict[str, float]:
    metric = PanopticQuality(**options)
    metric.dataset_meta = meta
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def made(file: Path, true: str, segments: dict[str, tuple[int, bool]], found: list[int]) -> dict:
    """A sample of one row: truth by letters, of each its class and whether mmdet calls it thing."""
    letters = sorted(segments)
    ids = [[0 if letter == "." else 1000 * (1 + letters.index(letter)) for letter in true]]
    listed = [
        {"id": 1000 * (1 + k), "category": segments[letter][0], "is_thing": segments[letter][1]}
        for k, letter in enumerate(letters)
    ]
    return {
        "ori_shape": (1, len(true)),
        "seg_map_path": write_ids(file, np.array(ids)),
        "segments_info": listed,
        "pred_panoptic_seg": {"sem_seg": torch.tensor([[found]], dtype=torch.int32)},
    }


def test_scores_by_hand(tmp_path):
    # Cats a, b: a matched by 3 / 4, b missed, a third invented. Sky c: by 4 / 5. No dog, no sea.
    samples = [
        made(
            tmp_path / "1.png",
            "aaaabbb.",
            {"a": (0, True), "b": (0, True)},
            [1000, 1000, 1000, 4, 2000, 4, 4, 4],  # 4: no class
        ),
        made(tmp_path / "2.png", "ccccc", {"c": (2, False)}, [2, 2, 2, 2, 4]),
    ]
    cat, sky = 0.75 / (1 + 0.5 + 0.5), 0.8
    assert scored(samples, META) == pytest.approx(
        {
            "panoptic/PQ": (cat + sky) / 2,
            "panoptic/SQ": (0.75 + 0.8) / 2,
            "panoptic/RQ": (0.5 + 1) / 2,
            "panoptic/PQ_th": cat,
            "panoptic/SQ_th": 0.75,
            "panoptic/RQ_th": 0.5,
            "panoptic/PQ_st": sky,
            "panoptic/SQ_st": 0.8,
            "panoptic/RQ_st": 1.0,
            "panoptic/mIoU": (4 / 7 + 4 / 5) / 2,
        }
    )


def test_a_table_of_the_classes(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(
        "inspire_med.detection.panoptic_quality.print_log",
        lambda text, logger: lines.extend(text.split("\n")),
    )
    found = made(tmp_path / "1.png", "aaaa", {"a": (1, True)}, [1001, 1001, 1001, 2])
    scored([found], META, classwise=True)
    assert lines[0].split() == ["class", "PQ", "SQ", "RQ", "IoU"]
    assert lines[2].split() == ["dog", "0.750", "0.750", "1.000", "0.750"]
    assert lines[3].split() == ["sky", "0.000", "0.000", "0.000", "0.000"]
    assert lines[4].split() == ["sea", "nan", "nan", "nan", "nan"]


def test_a_crowd_is_neither_missed_nor_invented_but_has_its_class(tmp_path):
    crowd = {"a": (0, False), "b": (2, False)}  # mmdet calls a crowd of cats no thing
    missed = made(tmp_path / "1.png", "aaabb", crowd, [4, 4, 4, 2, 2])
    found = made(tmp_path / "2.png", "aaabb", crowd, [1000, 1000, 2000, 2, 2])
    assert scored([missed], META)["panoptic/PQ"] == 1
    assert scored([missed], META)["panoptic/mIoU"] == 0.5
    assert "panoptic/PQ_th" not in scored([missed], META)
    assert scored([found], META) == {
        f"panoptic/{name}": 1 for name in ("PQ", "SQ", "RQ", "PQ_st", "SQ_st", "RQ_st", "mIoU")
    }


def test_no_truth_and_no_prediction(tmp_path):
    sky = {"c": (2, False)}
    assert set(scored([made(tmp_path / "1.png", "cc", sky, [4, 4])], META).values()) == {0}
    assert scored([made(tmp_path / "2.png", "..", {}, [1000, 2])], META) == {}


def test_a_sample_without_what_the_score_needs(tmp_path):
    whole = made(tmp_path / "1.png", "cc", {"c": (2, False)}, [2, 2])
    for key in ("ori_shape", "seg_map_path", "segments_info"):
        with pytest.raises(InputError, match=f"the images have no {key}; name it among the meta_k"):
            scored([{name: value for name, value in whole.items() if name != key}], META)
    with pytest.raises(InputError, match="class sea is neither among thing_classes nor stuff"):
        scored([whole], META | {"stuff_classes": ("sky",)})


def perfect(dataset: CocoPanopticDataset, crowds: bool) -> list[dict]:
    """Samples whose prediction is the truth; crowds found as one object, or not at all."""
    samples = []
    for number in range(len(dataset)):
        info = with_shape(dataset.get_data_info(number))
        picture = np.full(info["ori_shape"], 133)
        for k, segment in enumerate(info["segments_info"], 1):
            thing = segment["category"] < 80
            if segment["is_thing"] or not thing or crowds:
                where = ids_of(info["seg_map_path"]) == segment["id"]
                picture[where] = segment["category"] + 1000 * k * thing
        found = {"sem_seg": torch.from_numpy(picture.astype(np.int32))[None]}
        samples.append(info | {"pred_panoptic_seg": found})
    return samples


def test_the_truth_itself_scores_1(dataset):
    scores = scored(perfect(dataset, crowds=True), dataset.metainfo)
    assert len(scores) == 10
    assert set(scores.values()) == {1}

    without = scored(perfect(dataset, crowds=False), dataset.metainfo)
    # Pixels by the annotations' own areas: of people and cows without and with their crowds.
    people, cows = 52_977 / (52_977 + 32_134), 31_307 / (31_307 + 421)
    assert without.pop("panoptic/mIoU") == pytest.approx((6 + people + cows) / 8)
    assert set(without.values()) == {1}


def test_every_object_in_half_scores_as_by_hand(dataset):
    """Of each true segment its upper 3/5 by pixels: matched, by that share."""
    samples = perfect(dataset, crowds=False)
    shares = defaultdict(list)
    for one in samples:
        picture = one["pred_panoptic_seg"]["sem_seg"][0]
        for value in picture.unique().tolist():
            if value == 133:
                continue
            where = (picture == value).nonzero()
            kept = -(-3 * len(where) // 5)
            shares[value % 1000].append(kept / len(where))
            picture[where[kept:, 0], where[kept:, 1]] = 133
    quality = np.mean([np.mean(values) for values in shares.values()])
    scores = scored(samples, dataset.metainfo)
    assert scores["panoptic/PQ"] == pytest.approx(quality)
    assert scores["panoptic/RQ"] == 1


def test_two_ranks_score_as_one(dataset, on_ranks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # mmengine exchanges results through a folder
    samples = perfect(dataset, crowds=False)
    samples[1]["pred_panoptic_seg"]["sem_seg"][:, :180] = 133

    def work(rank, world):
        metric = PanopticQuality()
        metric.dataset_meta = dataset.metainfo
        metric.process(None, samples[rank::world])
        return metric.evaluate(len(samples))

    alone = scored(samples, dataset.metainfo)
    assert 0 < alone["panoptic/PQ"] < 1
    for scores in on_ranks(2, work):
        assert scores == pytest.approx(alone)


NAMES = [f"panoptic-fpn_r50_{neck}" for neck in ("fpn", "inspire-fpn", "inspire-fpn-feedback")]


@pytest.mark.parametrize("name", NAMES)
def test_the_configs_need_no_panopticapi(name):
    text = Config.fromfile(CONFIGS / f"{name}.py").pretty_text
    assert "LoadPanopticAnnotations" not in text
    assert "CocoPanopticMetric" not in text


def real_config(sample: Path, name: str) -> Config:
    """A config on the real sample, images at 160 x 128 at most, no weights to fetch, any stuff."""
    words = [f"data_root={sample}", "model.backbone.init_cfg=None"]
    words.append("model.test_cfg.panoptic.stuff_area_limit=0")
    for part in ("train", "val", "test"):
        place = f"{part}_dataloader.dataset"
        words += [
            f"{place}.ann_file=panoptic_examples.json",
            f"{place}.data_prefix.img=input_images",
            f"{place}.data_prefix.seg=panoptic_examples",
            f"{place}.pipeline.{2 if part == 'train' else 1}.scale=(160,128)",
        ]
    return read_settings(CONFIGS / f"{name}.py", words)


def test_missing_pngs_are_found_before_the_run(sample):
    config = real_config(sample, NAMES[0])
    check_data(config, ("train", "val", "test"))
    for part in ("train", "val", "test"):
        config[f"{part}_dataloader"].dataset.data_prefix.seg = "input_images"
        with pytest.raises(InputError, match="2 of 2 semantic maps are missing"):
            check_data(config, (part,))


@pytest.mark.slow
def test_a_step_of_training_and_a_scored_prediction_on_real_images(sample):
    config = real_config(sample, "panoptic-fpn_r50_inspire-fpn")
    train, val = (DATASETS.build(config[f"{p}_dataloader"].dataset) for p in ("train", "val"))
    model = MODELS.build(config.model).train()
    optimizer = build_optim_wrapper(model, config.optim_wrapper)
    before = model.semantic_head.conv_logits.weight.detach().clone()

    losses = model.train_step(pseudo_collate([train[0], train[1]]), optimizer)

    assert {"loss_seg", "loss_mask", "loss_bbox", "loss_cls"} <= losses.keys()
    assert all(torch.as_tensor(value).isfinite().all() for value in losses.values())
    assert not torch.equal(before, model.semantic_head.conv_logits.weight)

    model.eval()
    evaluator = Evaluator(config.val_evaluator)
    evaluator.dataset_meta = val.metainfo
    with torch.no_grad():
        for number in range(2):
            batch = pseudo_collate([val[number]])
            found = model.val_step(batch)
            assert found[0].pred_panoptic_seg.sem_seg.shape[1:] == found[0].ori_shape
            assert found[0].pred_panoptic_seg.sem_seg.min() < 133
            evaluator.process(found, batch)
    scores = evaluator.evaluate(2)
    assert {"panoptic/PQ", "panoptic/SQ", "panoptic/RQ", "panoptic/mIoU"} <= scores.keys()
    assert all(0 <= value <= 1 for value in scores.values())
