"""Known: which files are DICOM, told without the packages that read them."""

import re
from importlib.util import find_spec
from pathlib import Path

from inspire_med.errors import InputError

_NEEDED = ("pydicom",)
_NAMED = (".dcm", ".ima", ".dicom", "")
_LIKE_A_NUMBER = re.compile(r"\.\d{1,64}$")  # MR.1.3.12.2.1107.5: the end of a UID is no suffix
_PREAMBLE, _MARK = 128, b"DICM"


def may_be_dicom(path: Path) -> bool:
    """Whether a name is one that DICOM files have: .dcm, .ima, or no suffix at all."""
    suffix = path.suffix.lower()
    return suffix in _NAMED or bool(_LIKE_A_NUMBER.match(suffix))


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM by its name and by the mark behind its preamble."""
    if not may_be_dicom(path) or path.name.upper() == "DICOMDIR":
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(_PREAMBLE + len(_MARK))[_PREAMBLE:] == _MARK
    except OSError:  # a folder, or a link to nowhere
        return False


def claims_dicom(path: Path) -> bool:
    """Whether a file should be read as DICOM: by its name alone where that has a suffix."""
    return may_be_dicom(path) and (path.suffix != "" or is_dicom(path))


def require_extra(path: Path) -> None:
    """Say how to install what reads DICOM, where it is missing.

    Raises:
        InputError: If it is.
    """
    if any(find_spec(name) is None for name in _NEEDED):
        raise InputError(
            f"{path}: DICOM, and pydicom is not installed; pip install 'inspire-med[dicom]'."
        )
