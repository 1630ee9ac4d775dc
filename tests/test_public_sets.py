"""Public sets from their exact names to a manifest, by made files that are small."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own manual uses

from inspire_med.cases.manifest import Manifest
from inspire_med.prepare import main as prepare

SHAPE = (7, 6, 5)
CONTRASTS = {"t1n": "t1", "t1c": "t1ce", "t2w": "t2", "t2f": "flair"}
OLD = {"t1": "t1", "t1ce": "t1ce", "t2": "t2", "flair": "flair"}


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".mha":
        sitk.WriteImage(sitk.GetImageFromArray(array.transpose()), str(path))
    else:
        nib.save(nib.Nifti1Image(array, np.eye(4)), path)


def scan(seed: int, *more: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 99, (*SHAPE, *more)).astype(np.int16)


def label(*values: int) -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask.ravel()[: len(values)] = values
    return mask


def manifest_of(tmp_path: Path, task: str, *more: str) -> Manifest:
    words = ["--task", task, "--source", str(tmp_path / "set"), "--out", str(tmp_path / "m.json")]
    assert prepare([*words, *more]) == 0
    return Manifest.load(tmp_path / "m.json")


def brats(folder: Path, name: str, channels: dict[str, str], mark: str, *values: int) -> None:
    for seed, word in enumerate(channels):
        save(folder / name / f"{name}{mark}{word}.nii.gz", scan(seed + sum(map(ord, name))))
    save(folder / name / f"{name}{mark}seg.nii.gz", label(*values))


GLIOMA = {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}


@pytest.mark.parametrize(
    ("name", "channels", "mark", "values", "regions", "site"),
    [
        ("Brats17_2013_2_1", OLD, "_", (1, 2, 4), {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}, ""),
        ("BraTS20_Training_001", OLD, "_", (1, 2, 4),
         {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}, ""),
        ("BraTS2021_00000", OLD, "_", (1, 2, 4), {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}, ""),
        ("BraTS-GLI-00000-000", CONTRASTS, "-", (1, 2, 3), GLIOMA, "GLI"),
        ("BraTS-GLI-00005-100", CONTRASTS, "-", (1, 2, 3, 4), {**GLIOMA, "RC": (4,)}, "GLI"),
        ("BraTS-MET-00001-000", CONTRASTS, "-", (1, 2, 3), GLIOMA, "MET"),
        ("BraTS-MET-00730-001", CONTRASTS, "-", (1, 2, 3, 4), {**GLIOMA, "RC": (4,)}, "MET"),
        ("BraTS-MEN-00004-000", CONTRASTS, "-", (1, 2, 3), GLIOMA, "MEN"),
        ("BraTS-SSA-00002-000", CONTRASTS, "-", (1, 2, 3), GLIOMA, "SSA"),
        ("BraTS-GoAT-00084", CONTRASTS, "-", (1, 2, 3), GLIOMA, "GOAT"),
        ("BraTS-PED-00002-000", CONTRASTS, "-", (1, 2, 3), GLIOMA, "PED"),
        ("BraTS-PED-00001-000", CONTRASTS, "-", (1, 2, 3, 4),
         {"WT": (1, 2, 3, 4), "TC": (1, 2, 3), "ET": (1,)}, "PED"),
    ],
)  # fmt: skip
def test_brats_by_year(tmp_path, name, channels, mark, values, regions, site):
    brats(tmp_path / "set", name, channels, mark, *values)

    manifest = manifest_of(tmp_path, "brats")

    assert manifest.channels == ("flair", "t1", "t1ce", "t2")
    assert manifest.regions == regions
    (case,) = manifest.cases
    assert (case.id, case.site) == (name, site)
    found = {path.name.removesuffix(".nii.gz")[len(name) + 1 :]: channel
             for channel, path in case.images.items()}  # fmt: skip
    assert found == channels


def test_brats_2015(tmp_path):
    case = tmp_path / "set" / "BRATS2015_Training" / "LGG" / "brats_tcia_pat101_0001"
    words = ("MR_Flair.36001", "MR_T1.36002", "MR_T1c.36003", "MR_T2.36004")
    for seed, word in enumerate(f"VSD.Brain.XX.O.{word}" for word in words):
        save(case / word / f"{word}.mha", scan(seed))
    word = "VSD.Brain_3more.XX.O.OT.42383"
    save(case / word / f"{word}.mha", label(1, 2, 3, 4))

    manifest = manifest_of(tmp_path, "brats")

    assert manifest.regions == {"WT": (1, 2, 3, 4), "TC": (1, 3, 4), "ET": (4,)}
    assert [(case.patient, case.site) for case in manifest.cases] == [
        ("LGG_brats_tcia_pat101", "LGG")
    ]


def test_years_of_brats_are_not_mixed(tmp_path, capsys):
    brats(tmp_path / "set", "BraTS2021_00000", OLD, "_", 1, 2, 4)
    brats(tmp_path / "set", "BraTS-GLI-00000-000", CONTRASTS, "-", 1, 2, 3)
    words = ["--source", str(tmp_path / "set"), "--out", str(tmp_path / "m.json")]

    assert prepare(["--task", "brats", *words]) == 2
    assert "so several may be mixed; prepare each by itself" in capsys.readouterr().err


def test_a_stray_label_is_said_of_its_case_alone(tmp_path, capsys):
    for number in range(2):
        brats(tmp_path / "set", f"BraTS2021_0000{number}", OLD, "_", 1, 2, 4)
    brats(tmp_path / "set", "BraTS2021_00007", OLD, "_", 1, 2, 3, 4)
    words = ["--task", "brats", "--source", str(tmp_path / "set"), "--out", str(tmp_path / "m")]

    assert prepare(words) == 2
    assert "BraTS2021_00007_seg.nii.gz: holds label 3, which 'until 2022' has not, and 2 of" in (
        capsys.readouterr().err
    )
    assert prepare([*words, "--skip_bad"]) == 0
    kept = [case.id for case in Manifest.load(tmp_path / "m").cases]
    assert kept == ["BraTS2021_00000", "BraTS2021_00001"]


def test_the_label_3_of_children_is_said_to_be_read_as_in_2023(tmp_path, capsys):
    brats(tmp_path / "set", "BraTS-PED-00002-000", CONTRASTS, "-", 1, 2, 3)

    manifest_of(tmp_path, "brats")

    assert "they would fit 'since 2024, paediatric' too" in capsys.readouterr().out


def test_brats_for_radiotherapy_has_one_channel_and_one_region(tmp_path, capsys):
    for number, name in enumerate(("BraTS-MEN-RT-0002-1", "BraTS-MEN-RT-0003-1")):
        save(tmp_path / "set" / name / f"{name}_t1c.nii.gz", scan(number))
        save(tmp_path / "set" / name / f"{name}_gtv.nii.gz", label(1))

    manifest = manifest_of(tmp_path, "brats", "--folds", "2")

    assert (manifest.task.name, manifest.channels) == ("brats-menrt", ("t1ce",))
    assert manifest.regions == {"GTV": (1,)}
    assert "note: Read as the edition brats-menrt." in capsys.readouterr().out


def test_isles_2017_is_read_without_the_series_that_its_maps_were_made_of(tmp_path, capsys):
    for number, base in ((1, "VSD"), (43, "SMIR")):
        for word in ("4DPWI", "ADC", "MTT", "rCBF", "rCBV", "TTP", "Tmax"):
            name = f"{base}.Brain.XX.O.MR_{word}.{number}"
            several = (5,) if word == "4DPWI" else ()
            place = tmp_path / "set" / f"training_{number}" / name / f"{name}.nii"
            save(place, scan(number, *several))
        name = f"{base}.Brain.XX.O.OT.{number}"
        save(tmp_path / "set" / f"training_{number}" / name / f"{name}.nii", label(1))

    manifest = manifest_of(tmp_path, "isles", "--folds", "2")

    assert manifest.task.name == "isles2017"
    assert manifest.channels == ("adc", "mtt", "rcbf", "rcbv", "tmax", "ttp")
    assert [case.id for case in manifest.cases] == ["training_1", "training_43"]
    said = capsys.readouterr().out
    assert "Left out, named as no channel and no label: 2 files, such as" in said


# As the Decathlon's own files have them.
DECATHLON = {
    "Task01_BrainTumour": (("FLAIR", "T1w", "t1gd", "T2w"),
                           ("edema", "non-enhancing tumor", "enhancing tumour")),
    "Task02_Heart": (("MRI",), ("left atrium",)),
    "Task03_Liver": (("CT",), ("liver", "cancer")),
    "Task04_Hippocampus": (("MRI",), ("Anterior", "Posterior")),
    "Task05_Prostate": (("T2", "ADC"), ("PZ", "TZ")),
    "Task06_Lung": (("CT",), ("cancer",)),
    "Task07_Pancreas": (("CT",), ("pancreas", "cancer")),
    "Task08_HepaticVessel": (("CT",), ("Vessel", "Tumour")),
    "Task09_Spleen": (("CT",), ("spleen",)),
    "Task10_Colon": (("CT",), ("colon cancer primaries",)),
}  # fmt: skip


@pytest.mark.parametrize("name", DECATHLON)
def test_every_task_of_the_decathlon(tmp_path, name):
    channels, regions = DECATHLON[name]
    folder, case = tmp_path / "set" / name, f"{name[7:].lower()}_001.nii.gz"
    several = (len(channels),) if len(channels) > 1 else ()
    save(folder / "imagesTr" / case, scan(0, *several))
    save(folder / "labelsTr" / case, label(*range(1, len(regions) + 1)))
    for place in ("imagesTr", "labelsTr"):
        (folder / place / f"._{case}").write_bytes(b"\0\5\x16\7")
    content = {
        "name": name[7:],
        "description": "",
        "reference": "",
        "licence": "CC-BY-SA 4.0",
        "relase": "1.0 04/05/2018",
        "tensorImageSize": "4D" if several else "3D",
        "modality": {str(place): word for place, word in enumerate(channels)},
        "labels": {str(place): word for place, word in enumerate(("background", *regions))},
        "numTraining": 1,
        "numTest": 1,
        "training": [{"image": f"./imagesTr/{case}", "label": f"./labelsTr/{case}"}],
        "test": ["./imagesTs/none.nii.gz"],
    }
    (folder / "dataset.json").write_text(json.dumps(content))

    words = ["--source", str(folder), "--out", str(tmp_path / "m.json")]
    assert prepare(["--task", "nnunet", *words]) == 0

    manifest = Manifest.load(tmp_path / "m.json")
    assert manifest.channels == channels
    assert manifest.regions == {word: (place + 1,) for place, word in enumerate(regions)}
    assert [case.id for case in manifest.cases] == [case.removesuffix(".nii.gz")]
    assert manifest.task.preparation.intensity == ("ct" if channels == ("CT",) else "mri")
    if several:
        parts = {word: place for place, word in enumerate(channels)}
        assert manifest.cases[0].components == parts


def test_isles_2024_takes_the_first_sessions_ct_and_the_second_sessions_mask(tmp_path):
    case = "sub-stroke0001"
    raw, derived = (tmp_path / "set" / place / case for place in ("raw_data", "derivatives"))
    save(raw / "ses-01" / f"{case}_ses-01_ncct.nii.gz", scan(0))
    save(raw / "ses-01" / f"{case}_ses-01_cta.nii.gz", scan(1)[:3])  # on its own grid
    for seed, word in enumerate(("cta", "cbf", "cbv", "mtt", "tmax")):
        save(derived / "ses-01" / f"{case}_ses-01_space-ncct_{word}.nii.gz", scan(2 + seed))
    save(derived / "ses-02" / f"{case}_ses-02_space-ncct_lesion-msk.nii.gz", label(1))
    save(derived / "ses-02" / f"{case}_ses-02_space-ncct_dwi.nii.gz", scan(9))

    manifest = manifest_of(tmp_path, "isles")

    assert manifest.task.name == "isles2024"
    assert manifest.channels == ("ncct", "cta", "cbf", "cbv", "mtt", "tmax")
    assert manifest.task.protocol == "isles2024"
    assert [case.id for case in manifest.cases] == [case]


def test_atlas_has_t1_alone(tmp_path):
    anat = tmp_path / "set" / "Training" / "R001" / "sub-r001s001" / "ses-1" / "anat"
    name = "sub-r001s001_ses-1_space-MNI152NLin2009aSym"
    save(anat / f"{name}_T1w.nii.gz", scan(0))
    save(anat / f"{name}_label-L_desc-T1lesion_mask.nii.gz", label(1))

    manifest = manifest_of(tmp_path, "isles")

    assert (manifest.task.name, manifest.channels) == ("isles2026", ("t1",))
    assert [(case.patient, case.site) for case in manifest.cases] == [("sub-r001s001", "R001")]


def test_a_bids_folder_of_ones_own(tmp_path):
    anat = Path("sub-1") / "ses-1" / "anat"
    save(tmp_path / "set" / anat / "sub-1_ses-1_acq-3d_FLAIR.nii.gz", scan(0))
    save(tmp_path / "set" / anat / "sub-1_ses-1_T1w.nii.gz", scan(1))
    save(tmp_path / "set" / "derivatives" / "us" / anat / "sub-1_ses-1_dseg.nii.gz", label(2))
    task = tmp_path / "ms.yaml"
    task.write_text(
        "{spatial_dims: 3, channels: [flair, t1], regions: {lesion: 2}, intensity: mri, "
        "bids: {flair: acq-3d_FLAIR, t1: T1w}}"
    )

    manifest = manifest_of(tmp_path, str(task))

    assert manifest.channels == ("flair", "t1")
    (case,) = manifest.cases
    assert (case.id, case.patient) == ("sub-1_ses-1", "sub-1")
    assert case.label is not None
    assert case.label.name == "sub-1_ses-1_dseg.nii.gz"
