"""Torch export: programs written as .pt2 and read back without unpickling anything."""

import io
import logging
from pathlib import Path

import torch
from torch.export import ExportedProgram

from inspire_med.errors import InputError
from inspire_med.interop.alone import write_script
from inspire_med.interop.program import export_program
from inspire_med.interop.standalone.plain_program import refuse_code
from inspire_med.interop.trained import Trained


def write_torch(folder: Path, trained: Trained) -> None:
    """Write a program for each member, and the script that uses them.

    Raises:
        InputError: As `export_program`, and as `read_program` of what was written.
    """
    programs = [export_program(member.network, member.card) for member in trained.members]
    for number, program in enumerate(programs):
        file = folder / f"model{number}.pt2"
        torch.export.save(program.exported, file)
        read_program(file)
    write_script(folder, trained, programs, "torch")


def read_program(file: Path) -> ExportedProgram:
    """Read a program of which every part is a tensor's bytes or plain JSON.

    Raises:
        InputError: If a part of it could run code, or it is no such file.
    """
    logger = logging.getLogger("torch.export")
    before, logger.disabled = logger.disabled, True  # it shows a traceback, and then raises
    try:
        refuse_code(file)
        return torch.export.load(io.BytesIO(file.read_bytes()))
    except Exception as error:  # whatever it says of a file that is none
        words = " ".join(str(error).split())[:200]
        raise InputError(f"{file}: not opened, as {words}; export the model again.") from None
    finally:
        logger.disabled = before
