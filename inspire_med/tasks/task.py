"""Task: what a data set is about, and how its cases are brought to a network. Data only."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

LABEL = "label"
_LABEL_WORDS = (LABEL, "seg", "mask", "dseg", "msk")
Intensity = Literal["mri", "ct", "rgb", "none"]
Layout = Literal[
    "case-folders",
    "decathlon",
    "vsd",
    "bids",
    "image-mask-folders",
    "video-folders",
    "pattern",
    "nnunet",
    "datalist",
    "dicom",
]
Shape = Literal["volume", "picture"]


@dataclass(frozen=True)
class Preparation:
    """How the files of a case become what a network sees; a model carries it.

    Args:
        orientation: Axis codes of the network's view of a volume; axes are permuted and mirrored to
            the closest ones, nothing is interpolated. None leaves volumes as they are stored.
        spacing_mm: Voxel size that volumes are resampled to; None keeps each file's own.
        image_size: (height, width) that images are resized to; None keeps each file's own.
        intensity: `mri`: z-score within what is not zero, channel by channel; `ct`: clipped to the
            percentiles 0.5 and 99.5 of the training fold's foreground, then its z-score; `rgb`:
            z-score of each colour of an image; `none`: as in the file; `fixed`: (x - mean) / sd
            with the numbers that an encoder's weights were made with.
        intensity_statistics: By channel, for `ct`: `low`, `high`, `mean`, `sd`; for `fixed`: `mean`
            and `sd`.
        crop_to_foreground: Cut volumes to the box of what is not zero; under `mri` alone, as
            elsewhere zero is no background: in CT it is water, and air is not zero.
        reference: Channel whose grid is the case's own, where it is used; else the first used.
        resampled: Channels that may lie on another grid, and are resampled onto the reference's.
        register: Move those rigidly onto the reference first, by mutual information.
        ignore: Label value of voxels that nobody has judged: they teach nothing and are not scored.
    """

    orientation: str | None = "RAS"
    spacing_mm: tuple[float, float, float] | None = None
    image_size: tuple[int, int] | None = None
    intensity: Intensity | Literal["fixed"] = "mri"
    intensity_statistics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    crop_to_foreground: bool = True
    reference: str | None = None
    resampled: tuple[str, ...] = ()
    register: bool = False
    ignore: int | None = None

    @property
    def ignored(self) -> tuple[int, ...]:
        """The label values of voxels that nobody has judged: one, or none."""
        return () if self.ignore is None else (self.ignore,)

    def to_json(self) -> dict[str, Any]:
        """Its fields; `ignore` only where there is one, so that hashes from before it hold."""
        known = asdict(self)
        if self.ignore is None:
            del known["ignore"]
        return known


@dataclass(frozen=True)
class Release:
    """The label values of one release of a task's data, and how its files are told from others.

    Args:
        name: In words, for messages.
        regions: Region name to label values.
        layouts: Layouts whose files it has; empty is any.
        ids: What all case ids begin with, letter case aside; empty is anything.
        not_ids: What none of them begins with.
        holds: Label values at least one of which must occur in the set.
    """

    name: str
    regions: Mapping[str, tuple[int, ...]]
    layouts: tuple[str, ...] = ()
    ids: str = ""
    not_ids: tuple[str, ...] = ()
    holds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Files:
    """Where the files of a user's own data lie, as patterns below the source folder.

    Args:
        images: With `{case}`, and `{channel}` (its name) or `{channel:04d}` (its number) where each
            channel has a file of its own.
        label: With `{case}`; None where there is none.
    """

    images: str
    label: str | None = None


@dataclass(frozen=True)
class SeriesRule:
    """How a channel is told among the series of a DICOM study.

    Args:
        says: Regular expression that is found in the series' description, protocol or image type,
            in lower case with blanks in place of signs.
        never: Likewise, what is not found there.
        contrast: Whether a contrast agent was given; None where that does not matter.
        b_value: The least and the greatest, s/mm^2, where the series says its own.
        named: The series' description, protocol or UID, with `*` for anything; then no more counts.
    """

    says: str = ""
    never: str = ""
    contrast: bool | None = None
    b_value: tuple[float, float] | None = None
    named: str = ""


@dataclass(frozen=True)
class Task:
    """What a data set is about.

    Args:
        name: One word.
        spatial_dims: 2 for images, 3 for volumes.
        channels: Every channel, in the order of the network's input.
        regions: Region name to label values, of the usual release; regions may overlap.
        layouts: Names of the layouts that its files are looked for in, in this order.
        releases: Releases whose label values differ from one another; empty where all are alike.
        optional: Channels that a case may lack.
        spellings: Channel name, or `label`, to other words that file names have for it; in BIDS a
            word may name entities too, `ses-02_space-ncct_mask`, and then stands alone.
        patient: Regular expression of the beginning of a case id that names the patient; where it
            does not match, as where it is empty, each case is a patient's only one.
        site: Regular expression of the beginning of a case id, whose group names the site.
        files: Patterns of the files, for the layout `pattern`.
        series: Channel name to how its DICOM series is told; else by the channel's own words.
        preparation: How cases become what the network sees.
        augmentation: Name of the chain of transforms in `cases.augment`.
        network: Name of the numbers in `tasks.presets`.
        training: Options of `train` that differ from its own defaults, nested as there.
        protocol: Name of the rules that predictions are scored by.
        phantom: Name of the maker in `cases.phantom`; None where there is none.
        words: Channel or region name to words for a reader, such as "enhancing tumour".
        codes: Region name to what it is by SNOMED CT: (code, meaning), as DICOM's segments say it.
        seen_on: Region name to the channel it is best seen on; others are shown on the first.
    """

    name: str
    spatial_dims: Literal[2, 3]
    channels: tuple[str, ...]
    regions: Mapping[str, tuple[int, ...]]
    layouts: tuple[Layout, ...]
    releases: tuple[Release, ...] = ()
    optional: tuple[str, ...] = ()
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    patient: str = ""
    site: str = ""
    files: Files | None = None
    series: Mapping[str, SeriesRule] = field(default_factory=dict)
    preparation: Preparation = field(default_factory=Preparation)
    augmentation: Literal["volume", "picture", "none"] = "volume"
    network: Shape = "volume"
    training: Mapping[str, Any] = field(default_factory=dict)
    protocol: str = "segmentation"
    phantom: Literal["glioma", "stroke", "colon"] | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    seen_on: Mapping[str, str] = field(default_factory=dict)

    def patient_of(self, case_id: str) -> str:
        """The part of a case id that names the patient."""
        match = re.match(self.patient, case_id) if self.patient else None
        return match.group() if match else case_id

    def site_of(self, case_id: str) -> str:
        """The part of a case id that names the site, in capitals; empty where none does."""
        match = re.match(self.site, case_id) if self.site else None
        return match[1].upper() if match else ""

    def kinds(self) -> dict[str, str]:
        """Every word that file names have for a channel or for the label, in lower case."""
        words = {LABEL: _LABEL_WORDS} | dict(self.spellings)
        more = {word.lower(): name for name, own in words.items() for word in own}
        return {name.lower(): name for name in self.channels} | more
