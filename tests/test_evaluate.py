import csv
import json
import re
import shutil

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from inspire_med.cases.manifest import Manifest
from inspire_med.errors import InputError
from inspire_med.evaluate import main
from inspire_med.evaluation.cohort import Request, score_cohort
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.references import References
from inspire_med.prepare import main as prepare

AFFINE = np.diag([-1.0, -1.0, 2.5, 1.0])


def save(path, labels, affine=AFFINE):
    path.parent.mkdir(exist_ok=True)
    nib.save(nib.Nifti1Image(labels, affine), path)


@pytest.fixture
def drawn() -> None:
    """What a test asks for that looks at the drawings."""


@pytest.fixture(autouse=True)
def pages(request):
    if "drawn" not in request.fixturenames:
        request.getfixturevalue("undrawn")


@pytest.fixture
def folders(tmp_path):
    """Three label maps and predictions of them: exact, moved by a voxel, core missed."""
    labels = np.zeros((10, 10, 6), dtype=np.uint8)
    labels[2:7, 2:7, 1:5] = 2
    labels[3:5, 3:5, 2:4] = 1
    for name in "abc":
        save(tmp_path / "reference" / f"{name}.nii.gz", labels)
    save(tmp_path / "prediction" / "a.nii.gz", labels)
    save(tmp_path / "prediction" / "b.nii.gz", np.roll(labels, 1, axis=2))
    save(tmp_path / "prediction" / "c.nii.gz", np.where(labels == 1, 2, labels).astype(np.uint8))
    return tmp_path


def evaluate(folder, *extra, reference="reference"):
    places = {
        "--prediction": folder / "prediction",
        "--reference": folder / reference,
        "--output": folder / "scores",
    }
    words = [str(word) for option in places.items() for word in option]
    return main([*words, "--workers", "1", *extra])


def refusal(capsys, folder, *extra, **named):
    """The one sentence of a refused request, after which nothing is written."""
    assert evaluate(folder, *extra, **named) == 2
    assert not (folder / "scores").exists()
    (line,) = capsys.readouterr().err.splitlines()
    return line


def read_csv(folder):
    with (folder / "scores" / "scores.csv").open() as handle:
        return {
            (row["case"], row["region"], row["measure"]): row["value"]
            for row in csv.DictReader(handle)
        }


def write_polyps(folder, names):
    """Pictures of 10 x 20 with a polyp, and masks of them that miss a part."""
    mask = np.zeros((10, 20), dtype=np.uint8)
    mask[2:8, 3:15] = 255
    for place, shown in (("reference", mask), ("prediction", np.roll(mask, 2, axis=1))):
        (folder / place).mkdir()
        for name in names:
            Image.fromarray(shown).save(folder / place / f"{name}.png")


def write_videos(folder, lengths):
    """A polyp that moves, in SUN-SEG's folders; maps for it in a folder a video, too."""
    rows, columns = np.mgrid[:24, :30]
    for down, (video, length) in enumerate(lengths.items()):
        for number in range(1, length + 1):
            away = (rows - 8 - 2 * down) ** 2 + (columns - 9 - number) ** 2
            picture = np.stack([np.clip(250 - away, 0, 255)] * 3, axis=-1)
            shown = {"SUN/Frame": picture, "SUN/GT": 255 * (away < 40), "prediction": 255 - away}
            for place, values in shown.items():
                path = folder / place / video / f"frame{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).save(path)


class TestFolder:
    def test_scores_every_case_region_and_measure(self, folders, capsys):
        assert evaluate(folders, "--regions", "all=1,2", "core=1") == 0

        rows = read_csv(folders)
        assert len(rows) == 3 * 2 * 10
        assert rows["a", "all", "dice"] == "1.0"
        assert rows["b", "all", "hd95_mm"] == "2.5"  # one slice of 2.5 mm
        assert rows["c", "core", "dice"] == "0.0"
        assert rows["c", "core", "hd95_mm"] == ""  # infinite: undefined
        assert "core: mean dice" in capsys.readouterr().out

    def test_scores_json_is_the_contracts(self, folders):
        evaluate(folders, "--regions", "all=1,2", "core=1")

        content = json.loads((folders / "scores" / "scores.json").read_text())

        assert content["protocol"] == "segmentation"
        assert content["n_cases"] == 3
        assert content["summary"]["core"]["hd95_mm"]["n_undefined"] == 1
        assert content["summary"]["core"]["hd95_mm"]["n"] == 2
        low, high = content["summary"]["all"]["dice"]["ci95"]
        assert low <= content["summary"]["all"]["dice"]["mean"] <= high
        assert "both empty 0, one empty infinite" in content["policy"]

    def test_report_is_one_file_with_pictures(self, folders, drawn):
        evaluate(folders)

        text = (folders / "scores" / "report.html").read_text()

        assert text.count('href="data:image/png;base64,') == 9  # reference, prediction, errors
        assert not re.search(r'(src|href)="(?!data:|#)', text)

    def test_each_value_is_a_region_where_none_is_named(self, folders):
        evaluate(folders)

        assert {region for _, region, _ in read_csv(folders)} == {"label 1", "label 2"}

    def test_the_same_request_gives_the_same_files(self, folders, drawn):
        names = ("scores.csv", "scores.json", "report.html")
        evaluate(folders)
        first = [(folders / "scores" / name).read_bytes() for name in names]

        assert evaluate(folders, "--overwrite") == 0

        assert [(folders / "scores" / name).read_bytes() for name in names] == first

    def test_pictures_are_scored_in_pixels(self, tmp_path):
        mask = np.zeros((20, 30), dtype=np.uint8)
        mask[5:12, 5:12] = 255
        for folder, moved in (("reference", mask), ("prediction", np.roll(mask, 3, axis=1))):
            (tmp_path / folder).mkdir()
            Image.fromarray(moved).save(tmp_path / folder / "p.png")

        assert evaluate(tmp_path) == 0

        rows = read_csv(tmp_path)
        assert rows["p", "foreground", "hd95_mm"] == "3.0"
        assert "HD95 [px]" in (tmp_path / "scores" / "report.html").read_text()

    def test_a_mask_of_0_and_1_is_taken_and_said_once(self, tmp_path):
        mask = np.zeros((8, 8), dtype=np.uint8)
        mask[2:4, 2:4] = 1
        for folder in ("reference", "prediction"):
            (tmp_path / folder).mkdir()
            for name in "pq":
                Image.fromarray(mask).save(tmp_path / folder / f"{name}.png")

        assert evaluate(tmp_path) == 0

        (note,) = json.loads((tmp_path / "scores" / "scores.json").read_text())["notes"]
        assert note == "p.png: holds only 0 and 1; 1 is taken as foreground. (3 more likewise.)"


class TestRefusals:
    def test_existing_scores(self, folders, capsys):
        evaluate(folders)
        capsys.readouterr()

        assert evaluate(folders) == 2

        assert re.search(r"scores: exists already; .* --overwrite", capsys.readouterr().err)

    def test_a_file_as_output_folder(self, folders, capsys):
        (folders / "scores").write_text("mine")

        assert evaluate(folders, "--overwrite") == 2

        assert "is a file; give a folder" in capsys.readouterr().err
        assert (folders / "scores").read_text() == "mine"

    def test_a_case_without_partner(self, folders, capsys):
        (folders / "prediction" / "a.nii.gz").unlink()

        assert "1 without a prediction (a)" in refusal(capsys, folders)

    def test_unless_it_may_be_left_out(self, folders):
        (folders / "prediction" / "a.nii.gz").unlink()

        assert evaluate(folders, "--allow_missing") == 0

        content = json.loads((folders / "scores" / "scores.json").read_text())
        assert content["without_prediction"] == ["a"]
        assert content["notes"] == ["Left out, without a prediction: a."]

    def test_another_shape(self, folders, capsys):
        save(folders / "prediction" / "b.nii.gz", np.zeros((10, 10, 5), dtype=np.uint8))

        assert "shape (10, 10, 5), but its reference" in refusal(capsys, folders)

    def test_another_affine(self, folders, capsys):
        labels = np.asarray(nib.load(folders / "prediction" / "b.nii.gz").dataobj)
        save(folders / "prediction" / "b.nii.gz", labels, np.eye(4))

        assert "its affine differs" in refusal(capsys, folders)
        assert evaluate(folders, "--ignore_affine") == 0

    def test_probabilities(self, folders, capsys):
        save(folders / "prediction" / "b.nii.gz", np.full((10, 10, 6), 0.5, dtype=np.float32))

        assert "b.nii.gz: holds fractions between 0 and 1" in refusal(capsys, folders)

    def test_nan(self, folders, capsys):
        save(folders / "prediction" / "b.nii.gz", np.full((10, 10, 6), np.nan, dtype=np.float32))

        assert "b.nii.gz: holds NaN" in refusal(capsys, folders)

    def test_a_label_that_no_reference_has(self, folders, capsys):
        save(folders / "prediction" / "b.nii.gz", np.full((10, 10, 6), 3, dtype=np.uint8))

        assert "b.nii.gz: holds label 3, which is in no region" in refusal(capsys, folders)

    def test_an_unknown_protocol(self, folders, capsys):
        sentence = refusal(capsys, folders, "--protocol", "segmentations")

        assert "did you mean segmentation?" in sentence

    def test_a_fold_of_a_folder(self, folders, capsys):
        assert "has no folds" in refusal(capsys, folders, "--fold", "0")

    def test_a_missing_manifest(self, folders, capsys):
        assert "no such file" in refusal(capsys, folders, reference="nowhere.json")


@pytest.fixture
def predicted(tmp_path, request):
    """A manifest and exact predictions for its cases."""
    path = request.getfixturevalue(request.param)
    (tmp_path / "prediction").mkdir()
    for case in Manifest.load(path).cases:
        suffix = "".join(case.label.suffixes[-2:]) if ".nii" in case.label.name else ".png"
        (tmp_path / "prediction" / f"{case.id}{suffix}").write_bytes(case.label.read_bytes())
    return tmp_path, path


class TestManifest:
    @pytest.mark.parametrize("predicted", ["ball_volumes", "disc_images"], indirect=True)
    def test_regions_and_references_are_the_manifests(self, predicted):
        folder, manifest = predicted

        assert evaluate(folder, reference=manifest) == 0

        content = json.loads((folder / "scores" / "scores.json").read_text())
        assert list(content["summary"]) == list(Manifest.load(manifest).regions)
        assert all(each["dice"]["mean"] == 1.0 for each in content["summary"].values())
        assert content["provenance"]["Manifest hash"] == Manifest.load(manifest).hash

    @pytest.mark.parametrize("predicted", ["ball_volumes"], indirect=True)
    def test_the_report_speaks_and_shows_as_the_task_asks(self, predicted, drawn):
        folder, manifest = predicted

        evaluate(folder, reference=manifest)

        text = (folder / "scores" / "report.html").read_text()
        shown = re.findall(r'aria-label="BraTS20_Training_000: (\w+)"', text)
        assert shown == ["flair", "t1ce", "reference", "prediction", "errors"]
        assert "enhancing tumour (ET)" in text
        assert "T1 with contrast agent (t1ce)" in text
        assert "axial slice k = 7" in text  # through the middle of the balls

    @pytest.mark.parametrize("predicted", ["ball_volumes"], indirect=True)
    def test_a_fold_takes_its_validation_cases_alone(self, predicted):
        folder, manifest = predicted
        expected = {case.id for case in Manifest.load(manifest).fold(1)[1]}

        assert evaluate(folder, "--fold", "1", reference=manifest) == 0

        assert {case for case, _, _ in read_csv(folder)} == expected

    @pytest.mark.parametrize("predicted", ["ball_volumes"], indirect=True)
    def test_predictions_of_one_fold_ask_for_it(self, predicted, capsys):
        folder, manifest = predicted
        for case in Manifest.load(manifest).fold(0)[1]:
            (folder / "prediction" / f"{case.id}.nii.gz").unlink()

        sentence = refusal(capsys, folder, reference=manifest)

        place = folder / "prediction"
        assert f"{place}: holds predictions of fold 1 alone; add --fold 1, or pass" in sentence
        assert evaluate(folder, "--fold", "1", reference=manifest) == 0
        assert evaluate(folder, "--allow_missing", "--overwrite", reference=manifest) == 0

    @pytest.mark.parametrize("predicted", ["ball_volumes"], indirect=True)
    def test_regions_cannot_be_named_beside_a_manifest(self, predicted, capsys):
        folder, manifest = predicted

        sentence = refusal(capsys, folder, "--regions", "a=1", reference=manifest)

        assert "the manifest has its own" in sentence

    @pytest.mark.parametrize("predicted", ["ball_volumes"], indirect=True)
    def test_a_label_outside_the_manifests_map_is_refused(self, predicted, capsys):
        folder, manifest = predicted
        path = sorted((folder / "prediction").iterdir())[0]
        image = nib.load(path)
        strange = np.asarray(image.dataobj).copy()
        strange[strange == 4] = 3
        nib.save(nib.Nifti1Image(strange, image.affine), path)

        assert "holds label 3" in refusal(capsys, folder, reference=manifest)


def test_perturbed_real_tumours_score_as_expected(real_data, tmp_path):
    """A tumour moved by one voxel: HD95 1 mm and full NSD at 1 mm, for every region."""
    source = sorted((real_data / "brats2018" / "HGG").glob("*/*_seg.nii.gz"))[0]
    image = nib.load(source)
    labels = np.asarray(image.dataobj)
    save(tmp_path / "reference" / "case.nii.gz", labels, image.affine)
    save(tmp_path / "prediction" / "case.nii.gz", np.roll(labels, 1, axis=0), image.affine)

    assert evaluate(tmp_path, "--regions", "WT=1,2,4", "TC=1,4", "ET=4") == 0

    rows = read_csv(tmp_path)
    for region in ("WT", "TC", "ET"):
        assert float(rows["case", region, "hd95_mm"]) <= 1.0
        assert float(rows["case", region, "nsd@1mm"]) == 1.0
        assert 0.7 < float(rows["case", region, "dice"]) < 1.0


def test_options_may_stand_in_a_file(folders):
    config = folders / "options.yaml"
    config.write_text(
        f"prediction: {folders / 'prediction'}\nreference: {folders / 'reference'}\n"
        "regions: ['WT=1,2', 'TC=1']\nworkers: 1\n"
    )

    assert main(["--config", str(config), "--output", str(folders / "scores")]) == 0

    assert {region for _, region, _ in read_csv(folders)} == {"WT", "TC"}


def test_scores_need_no_scan(ball_volumes, tmp_path, drawn):
    content = json.loads(ball_volumes.read_text())
    del content["hash"]
    for case in content["cases"]:
        case["images"] = {name: f"gone/{path}" for name, path in case["images"].items()}
        case["label"] = str(ball_volumes.parent / case["label"])
        (tmp_path / "masks").mkdir(exist_ok=True)
        (tmp_path / "masks" / f"{case['id']}.nii.gz").symlink_to(case["label"])
    (tmp_path / "m.json").write_text(json.dumps(content))
    words = ["--prediction", str(tmp_path / "masks"), "--reference", str(tmp_path / "m.json")]

    assert main([*words, "--output", str(tmp_path / "scores"), "--workers", "1"]) == 0

    summary = json.loads((tmp_path / "scores" / "scores.json").read_text())["summary"]
    assert summary["WT"]["dice"]["mean"] == 1
    assert "data:image/png" in (tmp_path / "scores" / "report.html").read_text()


class TestSeveralPredictions:
    @pytest.fixture
    def two(self, folders):
        """The predictions of the first folder, and perfect ones."""
        for name in "abc":
            source = folders / "reference" / f"{name}.nii.gz"
            (folders / "perfect").mkdir(exist_ok=True)
            (folders / "perfect" / source.name).write_bytes(source.read_bytes())
        return folders

    def evaluate(self, folder, *extra):
        words = [f"poor={folder / 'prediction'}", f"good={folder / 'perfect'}"]
        places = ["--reference", folder / "reference", "--output", folder / "scores"]
        regions = ["--regions", "all=1,2", "core=1"]
        rest = [str(word) for word in (*places, *regions, "--workers", "1", *extra)]
        return main(["--prediction", *words, *rest])

    def test_each_has_its_folder_and_they_are_compared(self, two, drawn):
        assert self.evaluate(two) == 0

        assert {path.name for path in (two / "scores" / "good").iterdir()} == {
            "scores.csv",
            "scores.json",
            "report.html",
        }
        content = json.loads((two / "scores" / "comparison.json").read_text())
        assert content["methods"] == ["poor", "good"]
        dice = next(
            each
            for each in content["differences"]
            if (each["region"], each["measure"]) == ("core", "dice")
        )
        assert (dice["wins"], dice["ties"], dice["losses"]) == (0, 1, 2)
        assert content["ranking"][0]["method"] == "good"
        text = (two / "scores" / "comparison.html").read_text()
        assert not re.search(r'(src|href)="(?!data:|#)', text)

    def test_scores_equal_but_for_rounding_are_ties_on_every_page(self, tmp_path, capsys):
        # Lesion F1: 1 - 2/3 seven times, 1/3 - 2/3 four times, of one size but for the last bit
        parts = {"reference": [0, 1], "all": [0, 1], "wrong": [0, 2, 3, 4], "one": [0]}
        for case in range(11):
            found = {"reference": "reference", "a": "all" if case < 7 else "wrong", "b": "one"}
            for name, kind in found.items():
                mask = np.zeros((18, 4, 4), dtype=np.uint8)
                for part in parts[kind]:
                    mask[4 * part : 4 * part + 2, 1:3, 1:3] = 1
                save(tmp_path / name / f"c{case:02}.nii.gz", mask, np.eye(4))
        words = ["--prediction", f"a={tmp_path / 'a'}", f"b={tmp_path / 'b'}", "--workers", "1"]
        places = ["--reference", str(tmp_path / "reference"), "--output", str(tmp_path / "scores")]

        assert main([*words, *places, "--protocol", "isles2022"]) == 0

        printed = capsys.readouterr().out
        content = json.loads((tmp_path / "scores" / "comparison.json").read_text())
        assert [round(each["p"], 3) for each in content["differences"]] == [0.549] * 4
        assert [round(each["rank_biserial"], 2) for each in content["differences"]] == [0.27] * 4
        (said,) = content["findings"]
        assert said.startswith("No difference shown between a and b in Dice of lesion")
        assert said.endswith("after Holm, one set of predictions each.")
        assert said in printed
        assert said in (tmp_path / "scores" / "comparison.html").read_text()

    def test_cases_that_one_lacks_are_left_out_of_both_and_said(self, two):
        (two / "perfect" / "a.nii.gz").unlink()

        assert self.evaluate(two, "--allow_missing") == 0

        content = json.loads((two / "scores" / "comparison.json").read_text())
        assert content["n_cases"] == 2
        assert content["summary"]["poor"]["all"]["dice"]["n"] == 2
        assert content["notes"][0] == "Left out, not predicted by every method: a."

    def test_an_unknown_baseline_is_refused(self, two, capsys):
        assert self.evaluate(two, "--baseline", "best") == 2

        assert (
            "no other prediction is named best; choose one of poor, good" in capsys.readouterr().err
        )
        assert not (two / "scores").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a", "b"], "'a' of several has no name; write NAME=FOLDER"),
        (["x=a", "x=b"], "x comes twice"),
        (["../x=a", "y=b"], "has no name"),
    ],
)
def test_several_predictions_need_names_of_their_own(folders, capsys, words, sentence):
    places = ["--reference", str(folders / "reference"), "--output", str(folders / "scores")]

    assert main(["--prediction", *words, *places]) == 2

    assert sentence in capsys.readouterr().err


class TestOtherGrids:
    def test_a_prediction_on_another_grid_is_resampled_on_request(self, folders, capsys):
        labels = np.asarray(nib.load(folders / "reference" / "b.nii.gz").dataobj)
        fine = labels.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
        affine = AFFINE @ np.diag([0.5, 0.5, 0.5, 1.0])
        affine[:3, 3] = AFFINE[:3, :3] @ [-0.25, -0.25, -0.25]
        save(folders / "prediction" / "b.nii.gz", fine, affine)
        assert "shape (20, 20, 12)" in refusal(capsys, folders)

        assert evaluate(folders, "--resample") == 0

        assert read_csv(folders)["b", "label 2", "dice"] == "1.0"
        (note,) = json.loads((folders / "scores" / "scores.json").read_text())["notes"]
        assert "b.nii.gz: resampled onto its reference's grid" in note


class TestCalibration:
    def test_probabilities_beside_the_masks_are_scored(self, folders):
        for name in "abc":
            labels = np.asarray(nib.load(folders / "reference" / f"{name}.nii.gz").dataobj)
            sure = np.stack([labels == 1, labels == 2], axis=-1).astype(np.float32)
            save(folders / "prediction" / f"{name}_prob.nii.gz", sure)

        assert evaluate(folders, "--calibration") == 0

        rows = read_csv(folders)
        assert rows["a", "label 1", "ece"] == rows["a", "label 1", "brier"] == "0.0"
        policy = json.loads((folders / "scores" / "scores.json").read_text())["policy"]
        assert "ece, brier" in policy

    def test_on_another_grid_they_are_refused_unless_affines_do_not_count(self, folders, capsys):
        for name in "abc":
            labels = np.asarray(nib.load(folders / "reference" / f"{name}.nii.gz").dataobj)
            sure = np.stack([labels == 1, labels == 2], axis=-1).astype(np.float32)
            save(folders / "prediction" / f"{name}_prob.nii.gz", sure, np.eye(4))

        assert "a_prob.nii.gz: its affine differs" in refusal(capsys, folders, "--calibration")
        assert evaluate(folders, "--calibration", "--ignore_affine") == 0

    def test_and_missed_where_they_are_not_there(self, folders, capsys):
        assert "no probabilities of case a" in refusal(capsys, folders, "--calibration")


class TestMapsBesideMasks:
    def test_are_scored_where_the_protocol_says_so(self, folders):
        for name in "abc":
            lesion = np.asarray(nib.load(folders / "prediction" / f"{name}.nii.gz").dataobj) > 0
            save(folders / "prediction" / f"{name}_prob.nii.gz", lesion.astype(np.float32))

        assert evaluate(folders, "--protocol", "isles2026") == 0

        rows = read_csv(folders)
        assert rows["a", "lesion", "pr_auc"] == rows["a", "lesion", "lesion_f1"] == "1.0"
        assert 0 < float(rows["b", "lesion", "pr_auc"]) < 1  # moved by one of four slices
        assert "PR-AUC" in (folders / "scores" / "report.html").read_text()

    def test_are_missed_where_they_are_not_there(self, folders, capsys):
        said = refusal(capsys, folders, "--protocol", "isles2026")

        assert "protocol isles2026: " in said
        assert "no probabilities of case a (a_prob.nii.gz" in said
        assert said.endswith("write them with predict --probabilities.")

    def test_of_another_region_are_refused(self, folders):
        masks = {name: folders / "reference" / f"{name}.nii.gz" for name in "abc"}
        references = References(masks, {"stroke": (1, 2)})
        request = Request(protocol("isles2026"))

        with pytest.raises(InputError, match="scores probabilities of lesion, .* are stroke;"):
            score_cohort(folders / "prediction", references, request, lambda _: None, lambda: None)


class TestProtocols:
    def test_brats2026_names_what_is_in_voxels(self, folders):
        assert evaluate(folders, "--protocol", "brats2026-goat") == 0

        rows = read_csv(folders)
        assert rows["a", "WT", "lesions_tp"] == "1.0"
        assert rows["b", "WT", "hd95"] == "1.0"  # by one slice of 2.5 mm
        assert rows["a", "ET", "dice"] == ""  # both empty
        page = (folders / "scores" / "report.html").read_text()
        assert "HD95 [voxels]" in page
        assert "Lesion F1" in page
        assert "Lesion-wise HD95 (cubic voxels) [mm]" in page
        assert "Lesion-wise HD95 [mm]" not in page  # of other voxels it is no distance

    def test_brats_takes_its_own_regions_from_a_folder_and_writes_lesions(self, folders):
        assert evaluate(folders, "--protocol", "brats2023-gli") == 0

        rows = read_csv(folders)
        assert rows["a", "WT", "lesionwise_dice"] == "1.0"
        assert rows["c", "TC", "hd95_mm"] == "374.0"
        assert rows["a", "ET", "dice"] == "1.0"  # both empty
        lines = (folders / "scores" / "lesions.csv").read_text().splitlines()
        assert lines[0].startswith("case,region,kind,size,centre")
        assert any(line.startswith("a,WT,matched,") for line in lines)

    def test_a_label_of_another_year_is_not_taken_for_todays_in_silence(self, folders):
        words = ("--protocol", "brats2025-gli", "--regions", "WT=1,2,4", "TC=1,4", "ET=4")
        for file in (*folders.glob("reference/*"), *folders.glob("prediction/*")):
            labels = np.asarray(nib.load(file).dataobj)
            save(file, np.where(labels == 3, 4, labels).astype(np.uint8))

        assert evaluate(folders, *words) == 0

        notes = json.loads((folders / "scores" / "scores.json").read_text())["notes"]
        assert [note for note in notes if note.startswith("RC is label 4 by brats2025-gli")] == [
            "RC is label 4 by brats2025-gli, which is ET in this data set: its scores are those of "
            "ET, and say nothing of RC."
        ]

    def test_a_label_of_another_year_is_not_dropped_in_silence(self, folders, capsys):
        labels = np.asarray(nib.load(folders / "reference" / "b.nii.gz").dataobj)
        save(folders / "reference" / "b.nii.gz", np.where(labels == 1, 4, labels).astype(np.uint8))

        sentence = refusal(capsys, folders, "--protocol", "brats2023-gli")

        assert "holds label 4, which is in no region" in sentence

    def test_named_regions_must_be_the_protocols(self, folders, capsys):
        words = ["--protocol", "brats2023-gli", "--regions", "tumour=1,2"]

        assert "the protocol has no region tumour" in refusal(capsys, folders, *words)

    def test_lesions_of_stroke_are_whatever_is_not_0(self, folders):
        assert evaluate(folders, "--protocol", "isles2022") == 0

        rows = read_csv(folders)
        assert rows["c", "lesion", "dice"] == "1.0"
        assert rows["c", "lesion", "lesion_f1"] == "1.0"

    def test_polyps_are_scored_by_their_probabilities_where_there_are_any(self, tmp_path):
        mask = np.zeros((20, 30), dtype=np.uint8)
        mask[5:12, 5:12] = 255
        for name in ("reference", "prediction"):
            (tmp_path / name).mkdir()
        for name in "ab":
            Image.fromarray(mask).save(tmp_path / "reference" / f"{name}.png")
            Image.fromarray(np.roll(mask, 3, axis=1)).save(tmp_path / "prediction" / f"{name}.png")
            Image.fromarray(mask // 2).save(tmp_path / "prediction" / f"{name}_prob.png")

        assert evaluate(tmp_path, "--protocol", "polyp-pranet") == 0

        content = json.loads((tmp_path / "scores" / "scores.json").read_text())
        assert content["summary"]["polyp"]["dice@0.5"]["mean"] == 1.0  # stretched to 0 ... 1
        assert content["summary"]["polyp"]["max_dice"]["mean"] == 1.0
        assert len(content["curves"]["polyp"]["dice"]) == 256

    def test_masks_in_place_of_maps_are_counted_and_named_loudly(self, tmp_path, capsys):
        write_polyps(tmp_path, "abcdefg")
        Image.fromarray(np.arange(200, dtype=np.uint8).reshape(10, 20)).save(
            tmp_path / "prediction" / "g.png"
        )

        assert evaluate(tmp_path, "--protocol", "polyp-pranet") == 0

        sentence = "6 of 7 maps hold two values alone, as masks do (a.png, b.png, c.png, d.png, "
        assert f"note: {sentence}" in capsys.readouterr().out
        assert sentence in (tmp_path / "scores" / "report.html").read_text()
        notes = json.loads((tmp_path / "scores" / "scores.json").read_text())["notes"]
        assert notes[0].startswith(sentence + "e.png and 1 more): polyp-pranet scores maps that")

    def test_three_values_are_a_map(self, tmp_path, capsys):
        write_polyps(tmp_path, "a")
        grey = np.zeros((10, 20), dtype=np.uint8)
        grey[3:5], grey[4] = 255, 128
        Image.fromarray(grey).save(tmp_path / "prediction" / "a.png")

        assert evaluate(tmp_path, "--protocol", "polyp-pranet") == 0

        assert "two values" not in capsys.readouterr().out

    @pytest.mark.parametrize("ours", ["predictions.json", "b_prob.png"])
    def test_masks_beside_maps_and_masks_of_predict_are_no_maps(self, tmp_path, capsys, ours):
        write_polyps(tmp_path, "ab")
        mask = tmp_path / "prediction" / "b.png"
        (tmp_path / "prediction" / ours).write_bytes(
            b"{}" if ours.endswith("json") else mask.read_bytes()
        )

        sentence = refusal(capsys, tmp_path, "--protocol", "polyp-pranet")

        assert "holds the mask of case a but not its map (a_prob.png)" in sentence
        assert "predict again with --probabilities" in sentence
        assert evaluate(tmp_path, "--protocol", "segmentation") == 0

    def test_masks_of_endocv_begin_above_0_and_its_rim_is_named(self, tmp_path, capsys):
        write_polyps(tmp_path, "a")  # 72 of 200 pixels, 60 of them found
        mask = np.array(Image.open(tmp_path / "reference" / "a.png"))
        mask[8, 3:15] = 9
        Image.fromarray(mask).save(tmp_path / "reference" / "a.png")
        Image.fromarray(mask).save(tmp_path / "prediction" / "a_prob.png")  # no mask: left alone

        assert evaluate(tmp_path, "--protocol", "polyp-endocv2021") == 0

        rows = read_csv(tmp_path)
        assert float(rows["a", "polyp", "recall"]) == pytest.approx(60 / 84)
        assert float(rows["a", "polyp", "ppv"]) == pytest.approx(60 / 72)
        shown = capsys.readouterr().out
        assert "a.png: 14.3% of its foreground is grey from 1 to 128, which counts" in shown
        assert "note: Mean row_hausdorff over its largest in the set: 1.000000." in shown
        assert "two values" not in shown

    @pytest.mark.slow
    def test_videos_are_folders_of_frames_or_patients_of_a_manifest(self, tmp_path, capsys):
        write_videos(tmp_path, {"case1_1": 4, "case1_3": 5, "case2_1": 3})
        words = ("--protocol", "polyp-video")

        assert evaluate(tmp_path, *words, reference="SUN/GT") == 0
        shown = capsys.readouterr().out
        by_folder = json.loads((tmp_path / "scores" / "scores.json").read_text())
        assert "3 cases" in shown
        assert "note: Frames scored: 6 of 12 in 3 videos" in shown
        assert by_folder["summary"]["polyp"]["s_measure"]["n"] == 3

        manifest = tmp_path / "m.json"
        arguments = ["--task", "polyp", "--source", tmp_path / "SUN", "--out", manifest]
        assert prepare([str(word) for word in arguments]) == 0
        assert {case.patient for case in Manifest.load(manifest).cases} == {"case1", "case2"}
        assert evaluate(tmp_path, *words, "--overwrite", reference="m.json") == 0
        by_manifest = json.loads((tmp_path / "scores" / "scores.json").read_text())
        assert by_manifest["summary"] == by_folder["summary"]
        assert {case for case, *_ in read_csv(tmp_path)} == {
            *("case1-case1_1", "case1-case1_3", "case2"),
        }
        assert "3 cases of 2 patients (or videos)" in capsys.readouterr().out

    def test_frames_in_no_video_and_parts_of_videos_are_refused(self, tmp_path, capsys):
        write_polyps(tmp_path, "abc")
        write_videos(tmp_path, {"v": 3})
        words = ("--protocol", "polyp-video")

        assert "a.png, which is in no folder of a video" in refusal(capsys, tmp_path, *words)
        allowed = (*words, "--allow_missing")
        sentence = refusal(capsys, tmp_path, *allowed, reference="SUN/GT")
        assert "--allow_missing: protocol polyp-video scores whole videos" in sentence

    def test_volumes_are_not_polyps_nor_pictures_tumours(self, folders, capsys):
        sentence = refusal(capsys, folders, "--protocol", "polyp-pranet")
        assert "a.nii.gz: a volume; protocol polyp-pranet scores images" in sentence

    def test_coco_scores_one_file_against_another(self, tmp_path):
        truth = {
            "images": [{"id": 1, "width": 40, "height": 40}],
            "categories": [{"id": 3, "name": "cat"}],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 3, "bbox": [5, 5, 20, 20], "area": 400}
                | {"iscrowd": 0}
            ],
        }
        found = [{"image_id": 1, "category_id": 3, "bbox": [5, 5, 20, 20], "score": 0.9}]
        (tmp_path / "truth.json").write_text(json.dumps(truth))
        (tmp_path / "found.json").write_text(json.dumps(found))
        words = ["--prediction", tmp_path / "found.json", "--reference", tmp_path / "truth.json"]

        request = [*words, "--output", tmp_path / "scores", "--protocol", "coco"]
        assert main([str(word) for word in request]) == 0

        assert (tmp_path / "scores" / "report.html").is_file()
        content = json.loads((tmp_path / "scores" / "scores.json").read_text())
        assert content["protocol"] == "coco"
        assert all(each for each in content["summary"]["all"].values())


class TestEdges:
    def test_an_all_white_polyp_has_no_specificity_and_still_a_report(self, tmp_path, drawn):
        for name in ("reference", "prediction"):
            (tmp_path / name).mkdir()
            white = Image.fromarray(np.full((12, 9), 255, dtype=np.uint8))
            white.save(tmp_path / name / "a.png")

        assert evaluate(tmp_path, "--protocol", "polyp-pranet") == 0

        content = json.loads((tmp_path / "scores" / "scores.json").read_text())
        assert content["summary"]["polyp"]["mean_specificity"]["n_undefined"] == 1
        assert None not in content["curves"]["polyp"]["dice"]

    def test_what_an_earlier_evaluation_left_is_gone(self, folders):
        assert evaluate(folders, "--protocol", "brats2023-gli") == 0
        assert (folders / "scores" / "lesions.csv").exists()

        assert evaluate(folders, "--overwrite") == 0

        assert not (folders / "scores" / "lesions.csv").exists()

    def test_methods_of_an_earlier_comparison_go_too_but_nothing_else(self, folders):
        two = [f"{name}={folders / 'prediction'}" for name in ("one", "two")]
        places = ["--reference", str(folders / "reference"), "--output", str(folders / "scores")]
        assert main(["--prediction", *two, *places, "--workers", "1"]) == 0
        (folders / "scores" / "two" / "mine.txt").write_text("kept")

        assert evaluate(folders, "--overwrite") == 0

        left = {path.name for path in (folders / "scores").iterdir()}
        assert left == {"two", "scores.csv", "scores.json", "report.html"}
        assert [path.name for path in (folders / "scores" / "two").iterdir()] == ["mine.txt"]

    @pytest.mark.parametrize(
        "content",
        ['{"methods": ["../other", "/etc", ".."]}', '{"methods": [1]}', "[]", "{}", "broken"],
    )
    def test_a_comparison_of_somebody_else_leads_to_no_other_folder(self, folders, content):
        (folders / "other").mkdir()
        for place in (folders, folders / "other"):
            (place / "scores.csv").write_text("mine")
        assert evaluate(folders) == 0
        (folders / "scores" / "comparison.json").write_text(content)

        assert evaluate(folders, "--overwrite") == 0

        assert (folders / "other" / "scores.csv").read_text() == "mine"
        assert (folders / "scores.csv").read_text() == "mine"

    def test_methods_without_a_common_case_leave_nothing_behind(self, folders, capsys):
        for name in ("one", "two"):
            (folders / name).mkdir()
        shutil.copy(folders / "prediction" / "a.nii.gz", folders / "one")
        shutil.copy(folders / "prediction" / "b.nii.gz", folders / "two")
        both = [f"one={folders / 'one'}", f"two={folders / 'two'}", "--allow_missing"]
        places = ["--reference", str(folders / "reference"), "--output", str(folders / "scores")]

        assert main(["--prediction", *both, *places, "--workers", "1"]) == 2

        assert "no case is in all of one, two" in capsys.readouterr().err
        assert not (folders / "scores").exists()

    def test_rules_name_the_labels_that_were_scored(self, ball_volumes, tmp_path):
        (tmp_path / "prediction").mkdir()
        for case in Manifest.load(ball_volumes).cases:
            shutil.copy(case.label, tmp_path / "prediction" / f"{case.id}.nii.gz")

        assert evaluate(tmp_path, "--protocol", "brats2023-gli", reference=ball_volumes) == 0

        policy = json.loads((tmp_path / "scores" / "scores.json").read_text())["policy"]
        assert "ET = 4" in policy  # as the manifest says, not the challenge's 3

    def test_notes_of_different_kinds_are_said_each_and_on_the_screen(self, tmp_path, capsys):
        mask = np.zeros((8, 8), dtype=np.uint8)
        mask[2:4, 2:4] = 1
        for name in ("reference", "prediction"):
            (tmp_path / name).mkdir()
            Image.fromarray(mask).save(tmp_path / name / "a.png")
        large = np.kron(mask, np.ones((2, 2), dtype=np.uint8)) * 255
        Image.fromarray(large).save(tmp_path / "prediction" / "b.png")
        Image.fromarray(mask * 255).save(tmp_path / "reference" / "b.png")

        assert evaluate(tmp_path, "--resample") == 0

        notes = json.loads((tmp_path / "scores" / "scores.json").read_text())["notes"]
        assert [note.split(": ")[1].split()[0] for note in notes] == ["holds", "resampled"]
        assert f"note: {notes[0]}" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--workers", "-1"], "--workers: -1 is too few"),
            (["--baseline", "z"], "--baseline: no other prediction is named z; leave it out"),
        ],
    )
    def test_options_that_say_nothing_are_refused(self, folders, capsys, words, sentence):
        assert sentence in refusal(capsys, folders, *words)

    @pytest.mark.parametrize("option", ["calibration", "resample", "ignore_affine"])
    def test_grey_maps_have_no_use_for_what_is_for_labels(self, tmp_path, capsys, option):
        for name in ("reference", "prediction"):
            (tmp_path / name).mkdir()
            Image.fromarray(np.eye(9, dtype=np.uint8) * 255).save(tmp_path / name / "a.png")

        sentence = refusal(capsys, tmp_path, "--protocol", "polyp-pranet", f"--{option}")

        assert f"option --{option}: is for masks with labels" in sentence

    @pytest.mark.parametrize("option", ["--calibration", "--resample", "--allow_missing"])
    def test_a_set_has_no_use_for_options_of_cases(self, tmp_path, capsys, option):
        words = ["--protocol", "coco", "--prediction", "a.json", "--reference", "b.json"]

        assert main([*words, "--output", str(tmp_path / "scores"), option]) == 2

        assert "takes its images and categories from the reference" in capsys.readouterr().err

    def test_several_files_of_a_set_are_not_compared(self, tmp_path, capsys):
        words = ["--protocol", "coco", "--prediction", "a=a.json", "b=b.json"]
        places = ["--reference", "c.json", "--output", str(tmp_path / "scores")]

        assert main([*words, *places]) == 2

        assert "has no scores a case to compare by" in capsys.readouterr().err

    def test_a_method_is_not_named_like_a_file(self, folders, capsys):
        two = ["x=a", "comparison.html=b", "--reference", "c", "--output", str(folders / "scores")]

        assert main(["--prediction", *two]) == 2

        assert "comparison.html could be a file of the scores" in capsys.readouterr().err

    def test_a_region_that_no_reference_has_is_noted(self, folders):
        assert evaluate(folders, "--regions", "all=1,2", "x=7") == 0

        notes = json.loads((folders / "scores" / "scores.json").read_text())["notes"]
        assert notes == ["Region x is in no reference: every reference of it is empty."]

    def test_several_cases_of_one_patient_are_said(self, ball_volumes, tmp_path):
        content = json.loads(ball_volumes.read_text())
        del content["hash"]
        (tmp_path / "prediction").mkdir()
        for case in content["cases"]:
            case["patient"] = "one"
            case["images"] = {}
            case["label"] = str(ball_volumes.parent / case["label"])
            shutil.copy(case["label"], tmp_path / "prediction" / f"{case['id']}.nii.gz")
        (tmp_path / "m.json").write_text(json.dumps(content))

        assert evaluate(tmp_path, reference="m.json") == 0

        notes = json.loads((tmp_path / "scores" / "scores.json").read_text())["notes"]
        assert any("4 cases of 1 patient (or video): intervals" in note for note in notes)

    def test_hostile_case_ids_stay_text(self, tmp_path, drawn):
        name = "<img src=x onerror=alert(1)>"
        for folder in ("reference", "prediction"):
            (tmp_path / folder).mkdir()
            Image.fromarray(np.eye(9, dtype=np.uint8) * 255).save(tmp_path / folder / f"{name}.png")

        assert evaluate(tmp_path) == 0

        assert "<img src=x" not in (tmp_path / "scores" / "report.html").read_text()
