"""Hold the polyp protocols' scores against the official scripts, on made pictures.

    git clone https://github.com/GewelsJI/VPS                                      (at 4b2d87e)
    git clone https://github.com/sharibox/EndoCV2021-polyp_det_seg_gen endocv      (at bcc3959)
    pip install -e . opencv-python-headless tqdm prettytable scikit-learn hausdorff numba
    python scripts/bench/official_polyp.py --vps VPS --endocv endocv

In an environment of its own. Prints how far apart the summaries are. The clones stay as they are;
VPS's rounding to three digits is taken out in this process alone.
"""

import argparse
import json
import runpy
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from inspire_med.evaluation.cohort import Cohort, Request, score_cohort
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.protocols.polyp_endocv2021 import deviation, hausdorff_share
from inspire_med.evaluation.references import references_of_folder

VPS = {
    "Smeasure": "s_measure",
    "meanEm": "mean_e",
    "maxEm": "max_e",
    "adpEm": "adaptive_e",
    "wFmeasure": "weighted_f",
    "meanFm": "mean_f",
    "maxFm": "max_f",
    "adpFm": "adaptive_f",
    "meanDice": "mean_dice",
    "maxDice": "max_dice",
    "meanIoU": "mean_iou",
    "maxIoU": "max_iou",
    "meanSen": "mean_recall",
    "maxSen": "max_recall",
    "meanSpe": "mean_specificity",
    "maxSpe": "max_specificity",
    "MAE": "mae",
}
ENDOCV = {
    "dice": "dice",
    "jaccard": "iou",
    "typeIIerror": "f2",
    "PPV": "ppv",
    "recall": "recall",
    "OverallAcc": "accuracy",
}
SET = "TestEasyDataset/Seen"


class Frame(NamedTuple):
    """What is held against each other, as 8-bit pictures; a mask of 0 and 255."""

    mask: NDArray[np.uint8]
    grey: NDArray[np.uint8]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vps", type=Path, help="clone of VPS")
    parser.add_argument("--endocv", type=Path, help="clone of EndoCV2021-polyp_det_seg_gen")
    parser.add_argument("--videos", type=int, default=8, help="made videos of each kind")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| protocol | pictures of | sets or videos | pictures | measures | largest difference |")
    print("|---|---|---:|---:|---:|---|")
    for same_rules in (True, False) if options.vps else ():
        compare_vps(options, same_rules)
    if options.endocv:
        compare_endocv(options)
    return 0


def compare_vps(options: argparse.Namespace, same_rules: bool) -> None:
    random = np.random.default_rng(options.seed)
    official = without_rounding(options.vps.resolve() / "eval" / "vps_evaluator.py")
    videos = [list(frames(random, same_rules)) for _ in range(options.videos)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(videos, folder / "gt" / SET / "GT", folder / "pred" / "ours" / SET)
        theirs = by_vps(official, folder)
        places = folder / "pred" / "ours" / SET, folder / "gt" / SET / "GT"
        ours = means(scored("polyp-video", *places))
    what = "thresholds between greys, centroid off a half" if same_rules else "any"
    apart = {measure: abs(theirs[name] - ours[measure]) for name, measure in VPS.items()}
    show("polyp-video", what, len(videos), sum(map(len, videos)), apart)


def frames(random: np.random.Generator, same_rules: bool) -> Iterator[Frame]:
    """A polyp that moves, its map soft, shifted, noisy, black and white, lost or spurious."""
    shape = tuple(random.integers(30, 70, 2))
    field, other = blobs(random, shape), blobs(random, shape)
    count = int(random.integers(3, 12))
    while count:
        moved = np.roll(field, int(random.integers(-6, 7)), axis=int(random.integers(2)))
        mask = moved > random.uniform(0.5, 2)
        soft = moved + random.uniform(0, 0.8) * other - random.uniform(0.3, 1.5)
        grey = spoiled(random, 1 / (1 + np.exp(-4 * soft)))
        if random.random() < 0.1:
            mask[:] = False
        # Of 254 greys none but the ends meets a threshold: 253 and 255 have no divisor in common.
        found = np.rint((253 if same_rules else 255) * grey).astype(np.uint8)
        meets = np.ptp(found) > 0 and np.gcd(np.ptp(found), 255) > 1
        if is_nan_there(mask) or (same_rules and (meets or on_a_half(mask))):
            continue
        yield Frame(255 * mask.astype(np.uint8), found)
        count -= 1


def is_nan_there(mask: NDArray[np.bool_]) -> bool:
    """A foreground or a quadrant of one pixel or none has no deviation, by the script's rule."""
    if not mask.any():
        return False
    ends = [each.mean() + 2 > size - 1
            for each, size in zip(np.nonzero(mask), mask.shape, strict=True)]  # fmt: skip
    return mask.sum() == 1 or any(ends)


def on_a_half(mask: NDArray[np.bool_]) -> bool:
    if not mask.any():
        return False
    return any(2 * each.sum() % len(each) == 0 and 2 * each.sum() // len(each) % 2
               for each in np.nonzero(mask))  # fmt: skip


def spoiled(random: np.random.Generator, grey: NDArray[np.float64]) -> NDArray[np.float64]:
    kind = random.random()
    if kind < 0.1:
        return np.zeros_like(grey)
    if kind < 0.2:
        return np.rint(grey)
    if kind < 0.3:
        return random.random(grey.shape)
    if kind < 0.4:
        return 0.3 + 0.4 * grey
    return grey


def blobs(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    field = ndimage.gaussian_filter(random.normal(size=shape), random.uniform(2, 5))
    return field / field.std()


def write(videos: list[list[Frame]], references: Path, predictions: Path) -> None:
    for number, own in enumerate(videos, start=1):
        for place, frame in enumerate(own, start=1):
            # The tenth comes behind the second in the order of numbers, not of letters.
            name = f"case{number}_1/case_M_1_0U_1_001_00{number}-1_a{place}_ayy_image{place}.png"
            for folder, picture in zip((references, predictions), frame, strict=True):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(folder / name)


def by_vps(official: types.ModuleType, folder: Path) -> dict[str, float]:
    """Its own table, read back."""
    request = argparse.Namespace(
        gt_root=str(folder / "gt"),
        pred_root=str(folder / "pred"),
        metric_list=list(VPS),
        data_lst=[[SET]],
        model_lst=[["ours"]],
    )
    with (folder / "said").open("w") as said, redirect_stdout(said), redirect_stderr(said):
        official.eval_engine_vps(request, str(folder))
    table = (folder / f"{SET.replace('/', '-')}_eval.txt").read_text()
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    names, values = ([cell.strip() for cell in row][2:] for row in rows)
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def compare_endocv(options: argparse.Namespace) -> None:
    """Two sets: the means of each, and the deviation from one to the other."""
    random = np.random.default_rng(options.seed)
    apart: dict[str, float] = {}
    numbers = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cohorts: list[Cohort] = []
        for site in ("seen", "unseen"):
            pairs = [rimmed(random, frame) for _ in range(4) for frame in frames(random, False)]
            numbers += len(pairs)
            places = folder / site / "gt", folder / site / "found" / "semantic_masks"
            write_masks(pairs, *places)
            theirs = by_endocv(options.endocv.resolve(), folder, site)
            cohorts.append(scored("polyp-endocv2021", *reversed(places)))
            ours = means(cohorts[-1])
            for official, measure in ENDOCV.items():
                both = theirs[official]["value"], ours[measure]
                apart[measure] = max(apart.get(measure, 0), abs(both[0] - both[1]))
            share = theirs["hausdorff_distance"]["value"]
            off = abs(share - hausdorff_share(cohorts[-1].cases))
            apart["row_hausdorff"] = max(apart.get("row_hausdorff", 0), off)
        official = official_deviation(options.endocv.resolve(), folder)
        apart["deviation"] = abs(official - deviation(*(each.cases for each in cohorts)))
    show("polyp-endocv2021", "masks with a grey rim, above 0", len(cohorts), numbers, apart)


def rimmed(random: np.random.Generator, frame: Frame) -> Frame:
    """Masks as JPEG leaves them: faint greys at their rim."""
    masks = frame.mask, np.where(frame.grey > 127, 255, 0)
    wider = [ndimage.binary_dilation(each > 0) for each in masks]
    greys = [random.integers(0, 20, each.shape) for each in masks]
    return Frame(
        *(
            np.where(each > 0, each, rim * grey).astype(np.uint8)
            for each, rim, grey in zip(masks, wider, greys, strict=True)
        )
    )


def write_masks(pairs: list[Frame], references: Path, predictions: Path) -> None:
    for folder in (references, predictions):
        folder.mkdir(parents=True)
    for number, pair in enumerate(pairs):
        for folder, picture in zip((references, predictions), pair, strict=True):
            # The script looks for .jpg; what is in it is not lossy here.
            Image.fromarray(picture).save(folder / f"p{number}.jpg", format="png")


def by_endocv(clone: Path, folder: Path, site: str) -> dict[str, dict[str, float]]:
    """What its script writes for a set."""
    places = ["--GT_maskDIR", folder / site / "gt", "--Eval_maskDIR", folder / site / "found"]
    run(folder, clone / "compute_seg.py", *places, "--testType", site)
    found = folder / "semantic_results" / f"semantic_{site}.json"
    return json.loads(found.read_text())["EndoCV2021_seg"]


def official_deviation(clone: Path, folder: Path) -> float:
    """By its functions: the script itself calls a reader of JSON that it has not."""
    theirs = runpy.run_path(str(clone / "compute_seg_gen.py"))
    files = (folder / "semantic_results" / f"semantic_{site}.json" for site in ("seen", "unseen"))
    sets = [theirs["appendGen_measures"](json.loads(path.read_text())) for path in files]
    with redirect_stdout(None):
        parts = [theirs["computeDeviation"](*both, 10) for both in zip(*sets, strict=True)]
    return float(np.mean(parts))


def run(folder: Path, script: Path, *words: str | Path) -> None:
    command = [sys.executable, script, *map(str, words)]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def scored(name: str, predictions: Path, references: Path) -> Cohort:
    rules = protocol(name)
    known = references_of_folder(references, None, rules, workers=1)
    return score_cohort(predictions, known, Request(rules), lambda _: None, lambda: None)


def means(cohort: Cohort) -> dict[str, float]:
    return {measure: each.mean for measure, each in cohort.summaries["polyp"].items()}


def show(name: str, what: str, videos: int, pictures: int, apart: Mapping[str, float]) -> None:
    worst = max(apart, key=lambda each: apart[each])
    worst_of_all = f"{apart[worst]:.1e} (`{worst}`)"
    cells = (f"`{name}`", what, videos, pictures, len(apart), worst_of_all)
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def without_rounding(script: Path) -> types.ModuleType:
    """The official evaluator with all digits of its table."""
    sys.path.insert(0, str(script.parent))
    text = script.read_text().replace(".round(3)", "").replace("{:.3f}", "{:.17g}")
    module = types.ModuleType(script.stem)
    exec(compile(text, str(script), "exec"), module.__dict__)
    return module


if __name__ == "__main__":
    raise SystemExit(main())
