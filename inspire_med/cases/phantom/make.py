"""Make: a phantom data set, written as the real one is released."""

from collections.abc import Callable
from pathlib import Path

from inspire_med.cases.phantom import abdomen, colon, glioma, stroke
from inspire_med.cases.phantom.subject import Size, Subject
from inspire_med.errors import InputError
from inspire_med.files import read_json, write_json

MARKER = "phantom.json"  # tells made data from real data
Writer = Callable[[Path, Subject, Size], str]
WRITERS: dict[str, Writer] = {
    "glioma": glioma.write_case,
    "stroke": stroke.write_case,
    "colon": colon.write_case,
    "abdomen": abdomen.write_case,
}


def make_phantom(
    maker: str, count: int, folder: Path, *, seed: int, size: Size = "small"
) -> list[str]:
    """Write `count` cases below `folder`; case i is a pure function of (seed, i, size).

    Args:
        maker: Its name, as tasks have it.
        count: How many cases.
        folder: Where to; empty.
        seed: Of all cases.
        size: `small` for two cores, `full` as the releases are.

    Returns:
        The cases' ids.

    Raises:
        InputError: If `count` is below one.
    """
    if count < 1:
        raise InputError(f"--phantom {count}: not a number of cases; give 1 or more.")
    write = WRITERS[maker]
    return [write(folder, Subject.draw(seed, number), size) for number in range(count)]


def mark(folder: Path, maker: str, count: int, seed: int, size: Size) -> None:
    """Note beside the cases that they are made, and how."""
    made = sorted(path.name for path in folder.iterdir())
    said = {"maker": maker, "cases": count, "seed": seed, "size": size, "made": made}
    write_json(folder / MARKER, said)


def beside_phantoms(folder: Path) -> list[str]:
    """What lies in a folder beside made data, their manifest, plan and store."""
    known: set[str] = {MARKER, "manifest.json", "manifest-plan.yaml", "store"}
    if (folder / MARKER).is_file():
        known |= set(read_json(folder / MARKER).get("made", []))
    return sorted(path.name for path in folder.iterdir() if path.name not in known)
