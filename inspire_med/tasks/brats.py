"""BraTS: brain tumours in MRI, four contrasts and nested regions; for radiotherapy one contrast."""

from dataclasses import replace

from inspire_med.tasks.task import Preparation, Release, SeriesRule, Task

_UNTIL_2016 = {"WT": (1, 2, 3, 4), "TC": (1, 3, 4), "ET": (4,)}
_UNTIL_2022 = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}
_SINCE_2023 = {"WT": (1, 2, 3), "TC": (1, 3), "ET": (3,)}

# Labels (menze 2015; the challenges' data pages): 1 necrotic core, 2 oedema; the enhancing tumour
# is 4 until 2022 and 3 since 2023, when names became `BraTS-GLI-...`, with a hyphen. Until 2016 (in
# folders of the Virtual Skeleton Database) 3 is the core that does not enhance. 2024's treated
# gliomas and 2025's metastases use 4 for the resection cavity; the paediatric set of 2024 renumbers
# all: 1 enhancing, 2 other tumour, 3 cyst, 4 oedema. Meningiomas (MEN) and the African set (SSA)
# are as 2023's gliomas. The Decathlon: 1 oedema, 2 non-enhancing tumour, 3 enhancing tumour.
_RELEASES = (
    Release(
        "since 2024, paediatric",
        {"WT": (1, 2, 3, 4), "TC": (1, 2, 3), "ET": (1,)},
        layouts=("case-folders",),
        ids="BraTS-PED-",
        holds=(4,),
    ),
    Release(
        "since 2024, with a resection cavity",
        {**_SINCE_2023, "RC": (4,)},
        layouts=("case-folders",),
        ids="BraTS-",
        not_ids=("BraTS-PED-",),
        holds=(4,),
    ),
    Release("since 2023", _SINCE_2023, layouts=("case-folders",), ids="BraTS-"),
    Release("since 2023, renamed", _SINCE_2023, layouts=("case-folders", "dicom"), holds=(3,)),
    Release("until 2016", _UNTIL_2016, layouts=("vsd",)),
    Release("until 2022", _UNTIL_2022, layouts=("case-folders", "dicom"), not_ids=("BraTS-",)),
    Release(
        "Medical Segmentation Decathlon",
        {"WT": (1, 2, 3), "TC": (2, 3), "ET": (3,)},
        layouts=("decathlon",),
    ),
)

_FLUID_DARK = "flair|dark ?fluid|tirm"
_T1 = r"\bt1|mp ?rage|bravo|f?spgr|vibe"
_NO_T1 = rf"{_FLUID_DARK}|perf|\bdce|\bmap\b"
_SERIES = {
    "flair": SeriesRule(_FLUID_DARK, r"\bt1"),
    "t1": SeriesRule(_T1, _NO_T1, contrast=False),
    "t1ce": SeriesRule(_T1, _NO_T1, contrast=True),
    "t2": SeriesRule(
        r"\bt2", rf"{_FLUID_DARK}|t2 ?star|t2 fl|swi|ep2d|diff|\bdwi|\badc|perf|\bmap\b"
    ),
}

BRATS = Task(
    name="brats",
    spatial_dims=3,
    channels=("flair", "t1", "t1ce", "t2"),
    regions=_UNTIL_2022,
    layouts=("case-folders", "vsd", "decathlon"),
    releases=_RELEASES,
    spellings={
        "flair": ("t2f",),
        "t1": ("t1n", "t1w"),
        "t1ce": ("t1c", "t1gd"),
        "t2": ("t2w",),
        "label": ("seg", "segm", "ot"),
    },
    # The last number is that of the scan: Brats18_X_1, BraTS-GLI-00000-001, brats_tcia_pat105_0001.
    patient=(
        r"(?i)brats1[789]_.*(?=_\d+$)|brats-[a-z]+(?:-rt)?-\d+(?=-\d+$)"
        r"|(?:[hl]gg?_)?brats_\w+_pat\d+(?=_\w+$)"
    ),
    site=r"(?i)brats-([a-z]+(?:-rt)?)-\d",
    series=_SERIES,
    preparation=Preparation(),
    training={"max_steps": 20_000, "data": {"patch_size": [96, 96, 96], "batch_size": 2}},
    protocol="brats2023-gli",
    phantom="glioma",
    words={
        "WT": "whole tumour",
        "TC": "tumour core",
        "ET": "enhancing tumour",
        "RC": "resection cavity",
        "t1ce": "T1 with contrast agent",
    },
    codes=dict.fromkeys(("WT", "TC", "ET"), ("108369006", "Neoplasm")),
    seen_on={"ET": "t1ce", "TC": "t1ce", "WT": "flair"},
)

# BraTS-MEN-RT 2024: the planning scan alone, on its own grid, and the gross tumour volume.
MENINGIOMA_RT = replace(
    BRATS,
    name="brats-menrt",
    channels=("t1ce",),
    regions={"GTV": (1,)},
    layouts=("case-folders",),
    releases=(),
    spellings={"t1ce": ("t1c",), "label": ("gtv",)},
    series={"t1ce": _SERIES["t1ce"]},
    protocol="brats2026-menrt",
    phantom=None,
    words={"GTV": "gross tumour volume", "t1ce": "T1 with contrast agent"},
    codes={"GTV": ("108369006", "Neoplasm")},
    seen_on={},
)
