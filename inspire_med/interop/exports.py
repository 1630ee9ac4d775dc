"""Exports: the formats by name, each written whole or not at all."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from inspire_med.files import atomic_folder, atomic_path
from inspire_med.interop.card import card_of, page_of, write_card
from inspire_med.interop.handover import write_handover
from inspire_med.interop.monai_bundle import write_bundle
from inspire_med.interop.onnx import write_onnx
from inspire_med.interop.seal import write_example, write_seal
from inspire_med.interop.torch_export import write_torch
from inspire_med.interop.trained import Trained


def _write_bundle(folder: Path, trained: Trained) -> None:
    page = page_of(card_of(trained, "bundle"))
    write_bundle(folder, trained.members, trained.rules, page)


FORMATS: dict[str, Callable[[Path, Trained], None]] = {
    "model": write_handover,
    "torch": write_torch,
    "onnx": write_onnx,
    "bundle": _write_bundle,
}


def write_export(output: Path, trained: Trained, kind: str) -> None:
    """Write an export as a folder, or as one file where its name ends in .zip.

    Args:
        output: Where; what is there already is replaced once the new one is whole.
        trained: What is exported.
        kind: One of `FORMATS`.

    Raises:
        InputError: As the format's writer.
    """
    if output.suffix.lower() != ".zip":
        with atomic_folder(output, before_commit=lambda: _remove(output)) as folder:
            _fill(folder, trained, kind)
        return
    with atomic_path(output) as archive:
        folder = archive.with_suffix(".folder")
        try:
            folder.mkdir()
            _fill(folder, trained, kind)
            _pack(folder, archive)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _fill(folder: Path, trained: Trained, kind: str) -> None:
    FORMATS[kind](folder, trained)
    write_example(folder, trained)
    write_card(folder, trained, kind)
    write_seal(folder, kind)


def _pack(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                packed.write(file, file.relative_to(folder))


def _remove(output: Path) -> None:
    """Make room for what is whole; an empty folder, or one that --overwrite gave up."""
    if output.is_dir():
        shutil.rmtree(output)
