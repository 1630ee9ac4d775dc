"""Pictures: whether a data set's image files are whole, and as large as its annotations say."""

from collections.abc import Collection
from pathlib import Path

from PIL import ExifTags, Image

from inspire_med.detection.annotations import Annotations
from inspire_med.errors import InputError
from inspire_med.imaging.coco import Entry
from inspire_med.imaging.picture import opened_as_stored

_TURNED = range(2, 9)  # values of EXIF's orientation that turn or mirror a picture
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB\x60\x82"}


def check_pictures(folder: Path, found: Annotations) -> list[str]:
    """Hold the header and the end of each image file against its entry.

    Args:
        folder: Where the images lie.
        found: What the COCO file says.

    Returns:
        What is worth saying of all of them: that EXIF data would turn some.

    Raises:
        InputError: If a file is missing, truncated, no image, or of another size.
    """
    images = found.images.values()
    _refuse_missing(folder, found.file, [image["file_name"] for image in images])
    names = [image["file_name"] for image in images if _look(folder, found.file, image)]
    if not names:
        return []
    return [
        f"{found.file}: EXIF data turn {len(names)} of {len(images)} pictures ({names[0]} is the "
        "first); they are read as they are stored, as COCO's own tools read them, and boxes must "
        "be those of the stored pixels."
    ]


def _refuse_missing(folder: Path, file: Path, names: Collection[str]) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{file}: {len(missing)} of {len(names)} images are not in {folder} ({missing[0]} is "
            "the first); set data_prefix or data_root, or add them."
        )


def _look(folder: Path, file: Path, entry: Entry) -> bool:
    """Whether EXIF data would turn the picture, if nothing is wrong with it."""
    path = folder / entry["file_name"]
    with opened_as_stored(path) as image:
        turned = _tag(image) in _TURNED
        size, said = image.size, (entry["width"], entry["height"])
        if size != said:
            hint = (
                "its EXIF data turn it, so write it anew without them"
                if turned and size == said[::-1]
                else "mend the entry, or give the picture it was made on"
            )
            raise InputError(
                f"{file}: image {entry['id']} ({path}) is {said[0]} x {said[1]} (width x height) "
                f"by its entry, and {size[0]} x {size[1]} as stored; {hint}."
            )
        if not _ends(path, image.format):
            image.load()  # decoded whole, it is whole: some writers add bytes of their own
    return turned


def _tag(image: Image.Image) -> int:
    """The orientation in the header; Pillow's own `getexif` would decode a PNG."""
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
    except SyntaxError:  # no tags at all, and nobody turns the picture
        return 1
    return exif.get(ExifTags.Base.Orientation, 1)


def _ends(path: Path, kind: str | None) -> bool:
    """Whether a file ends as its kind does, which a truncated one does not."""
    end = _ENDS.get(kind or "")
    if end is None:
        return False
    with path.open("rb") as stream:
        stream.seek(-len(end), 2)
        return stream.read() == end
