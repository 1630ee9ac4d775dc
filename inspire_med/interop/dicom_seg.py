"""DICOM segmentation: a mask as an object that viewers lay over the series that it was made from.

Supplement 111 of the standard (PS3.3 A.51), written by highdicom: a binary segment for each region,
so that regions may overlap, with references to the slices below.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.sr.codedict import codes as known

import inspire_med
from inspire_med.errors import InputError
from inspire_med.files import atomic_path
from inspire_med.imaging.dicom.geometry import affine_of
from inspire_med.imaging.dicom.series import Series
from inspire_med.imaging.masks import Regions, among

_SAME_MM = 1e-3  # as far as two grids may be apart that are one
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_ABNORMAL = ("49755003", "SCT", "Morphologically Abnormal Structure")
_LESION = ("52988006", "Lesion")  # of a region that has no code of its own
_SERIES_NUMBER = 1000  # after those of a scanner


@dataclass(frozen=True)
class Author:
    """What made the masks.

    Args:
        name: Of the algorithm, as viewers show it.
        version: Of its weights.
    """

    name: str
    version: str


def write_segmentation(
    path: Path,
    labels: NDArray[np.uint8],
    affine: NDArray[np.float64],
    regions: Regions,
    source: Series,
    author: Author,
    codes: Mapping[str, Sequence[str]] | None = None,
    words: Mapping[str, str] | None = None,
) -> None:
    """Write a label map as a DICOM segmentation of the series that it lies on, whole or not at all.

    Args:
        path: The file.
        labels: (column, row, slice), as `open_volume` reads the series.
        affine: From its voxels to RAS+ mm.
        regions: Region name to label values; a segment each, in this order.
        source: The series.
        author: What made the mask.
        codes: Region name to its SNOMED CT code and meaning; others are lesions.
        words: Region name to words for a reader.

    Raises:
        InputError: If mask and series lie on different grids, or the series says nothing of its
            frame of reference.
    """
    _refuse_other_grid(labels, affine, source)
    datasets = [dcmread(file) for file in source.files]
    frame = str(datasets[0].get("FrameOfReferenceUID", ""))
    if not frame:
        raise InputError(
            f"{source.files[0]}: says nothing of its frame of reference, without which no "
            "segmentation can lie on it; export the series again."
        )
    # highdicom counts slices first, then rows, then columns.
    masks = np.stack([among(labels, values) for values in regions.values()], axis=-1)
    turned = _RAS_TO_LPS @ affine @ np.eye(4)[:, [2, 1, 0, 3]]
    volume = hd.Volume(
        masks.transpose(2, 1, 0, 3).astype(np.uint8),
        turned,
        "PATIENT",
        frame,
        channels={hd.ChannelDescriptor("SegmentNumber"): range(1, len(regions) + 1)},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the series' own tags; dciodvfy judges what is written
        written = hd.seg.Segmentation(
            source_images=datasets,
            pixel_array=volume,
            segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=_segments(regions, author, codes or {}, words or {}),
            series_instance_uid=hd.UID(),
            series_number=_SERIES_NUMBER,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer="inspire_med",
            manufacturer_model_name=author.name,
            software_versions=inspire_med.__version__,
            device_serial_number=author.version,
            content_label="SEGMENTATION",
            content_description=f"by {author.name}"[:64],
            omit_empty_frames=bool(masks.any()),
        )
    written.SeriesDescription = f"{author.name}: {', '.join(regions)}"[:64]
    with atomic_path(path) as temporary:
        written.save_as(temporary)


def _refuse_other_grid(
    labels: NDArray[np.uint8], affine: NDArray[np.float64], source: Series
) -> None:
    """A mask lies on a series where their voxels do, to a thousandth of a millimetre."""
    rows, columns = source.planes[0].size
    shape = (columns, rows, len(source.planes))
    if labels.shape != shape:
        raise InputError(
            f"{source.files[0]}: the series {source.name} has {_by(shape)} voxels and the mask "
            f"{_by(labels.shape)}; give the series that the mask was made from."
        )
    corners = np.array([[*corner, 1] for corner in np.ndindex(2, 2, 2)]) * [
        *(size - 1 for size in shape), 1,
    ]  # fmt: skip
    apart = np.abs((affine_of(source.planes) - affine) @ corners.T).max()
    if apart > _SAME_MM:
        raise InputError(
            f"{source.files[0]}: the series {source.name} lies {apart:.3g} mm away from the mask; "
            "give the series that the mask was made from."
        )


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _segments(
    regions: Regions, author: Author, codes: Mapping[str, Sequence[str]], words: Mapping[str, str]
) -> list[hd.seg.SegmentDescription]:
    made_by = hd.AlgorithmIdentificationSequence(
        name=author.name,
        family=known.DCM.ArtificialIntelligence,
        version=author.version,
        source="inspire_med",
    )
    segments: list[hd.seg.SegmentDescription] = []
    for number, region in enumerate(regions, start=1):
        value, meaning = codes.get(region, _LESION)
        segments.append(
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=words.get(region, region),
                segmented_property_category=CodedConcept(*_ABNORMAL),
                segmented_property_type=CodedConcept(value, "SCT", meaning),
                algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
                algorithm_identification=made_by,
                tracking_uid=hd.UID(),
                tracking_id=region,
            )
        )
    return segments
