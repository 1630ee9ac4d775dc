"""ONNX: programs as ONNX graphs, checked by onnx and asked by onnxruntime."""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from inspire_med.errors import InputError
from inspire_med.interop.alone import write_script
from inspire_med.interop.program import CLOSE, Program, export_program
from inspire_med.interop.trained import Trained

OPSET = 20
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def refuse_missing() -> None:
    """Refuse where a package that this format needs is not installed.

    Raises:
        InputError: If one is missing.
    """
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise InputError(
                f"--format onnx: needs {package}, which is not installed; "
                "pip install 'inspire-med[export]'."
            )


def write_onnx(folder: Path, trained: Trained) -> None:
    """Write a graph for each member, and the script that uses them.

    Raises:
        InputError: As `export_program`, or if a graph answers otherwise than its network.
    """
    refuse_missing()
    programs = [export_program(member.network, member.card) for member in trained.members]
    for number, (program, member) in enumerate(zip(programs, trained.members, strict=True)):
        file = folder / f"model{number}.onnx"
        _write(program, file)
        random = torch.Generator().manual_seed(1)
        image = torch.randn(1, program.channels, *member.card.patch_size, generator=random)
        with torch.inference_mode():
            wanted = member.network(image).numpy()
        apart = np.abs(ask_onnx(file, image.numpy()) - wanted).max() / max(np.abs(wanted).max(), 1)
        if not apart <= 10 * CLOSE:  # NaN is neither
            raise InputError(
                f"--format onnx: the graph's answer differs by {apart:.1g} from the network's; "
                "give --format torch or model."
            )
    write_script(folder, trained, programs, "onnx")


def ask_onnx(file: Path, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits of `(batch, channels, *spatial)` by onnxruntime, on the CPU.

    Raises:
        InputError: If onnxruntime is missing or does not take the file.
    """
    refuse_missing()
    import onnxruntime

    try:
        session: Any = onnxruntime.InferenceSession(
            file.read_bytes(), providers=["CPUExecutionProvider"]
        )
        return session.run(None, {session.get_inputs()[0].name: image})[0]
    except Exception as error:  # onnxruntime has an exception of its own for each fault
        words = " ".join(str(error).split())[:200]
        raise InputError(f"{file}: onnxruntime does not take it ({words}); export again.") from None


def _write(program: Program, file: Path) -> None:
    import onnx

    with _in_silence():
        written: Any = torch.onnx.export(program.exported, dynamo=True, opset_version=OPSET)
        written.save(file)
    onnx.checker.check_model(str(file), full_check=True)


@contextlib.contextmanager
def _in_silence() -> Generator[None]:
    """Keep torch's exporter from telling its steps and of its own deprecations."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            with open(os.devnull, "w") as nothing, contextlib.redirect_stderr(nothing):  # noqa: PTH123
                yield
    finally:
        logging.disable(logging.NOTSET)
