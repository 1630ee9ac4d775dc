"""Command: a trained model in other people's formats (`python -m inspire_med.export ...`)."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.cli.parser import CommandParser
from inspire_med.errors import InputError
from inspire_med.files import refuse_existing
from inspire_med.wording import counted


@dataclass(frozen=True)
class ExportOptions:
    """Write a trained model in another format, or check what was written.

    Args:
        format: `model`: what predict takes, to hand to a colleague; `torch`: programs of
            torch.export; `onnx`: graphs for onnxruntime; `bundle`: a MONAI bundle. All but the
            first run without this package.
        output: Folder to write, or a .zip.
        verify: In place of all this: check this export, file by file, and run its example again.
        overwrite: Replace an export that is there.
    """

    format: Literal["model", "torch", "onnx", "bundle"] | None = None
    output: Path | None = None
    verify: Path | None = None
    overwrite: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, export or verify, and answer with the exit status."""
    parser = CommandParser(
        prog="inspire-med export", description="A trained model in other people's formats."
    )
    parser.add_argument("--config", action="config", help="YAML file with any of these options.")
    words = (
        "A run folder of train, a cross-validation's folder or a model folder; may be repeated: "
        "all of them go into the export and predict together."
    )
    parser.add_argument("--run", action="append", metavar="DIR", help=words)
    parser.add_class_arguments(ExportOptions, as_group=False)
    return run_command(parser, _export, arguments)


def _export(namespace: Namespace) -> None:
    values = vars(namespace)
    values.pop("config")
    run = values.pop("run") or []
    runs = [Path(each) for each in ([run] if isinstance(run, str) else run)]
    options = ExportOptions(**values)
    if options.verify is not None:
        if runs or options.format or options.output:
            raise InputError("--verify: checks what is there; leave --run, --format, --output out.")
        _verify(options.verify)
        return
    if not runs or options.format is None or options.output is None:
        raise InputError("export: give --run, --format and --output, or --verify PATH alone.")
    refuse_existing(options.output, overwrite=options.overwrite)
    _write(runs, options.format, options.output)


def _write(runs: Sequence[Path], kind: str, output: Path) -> None:
    from inspire_med.interop.exports import write_export
    from inspire_med.interop.onnx import refuse_missing
    from inspire_med.interop.trained import read_trained

    if kind == "onnx":
        refuse_missing()
    _refuse_own(runs, output)
    _refuse_strange(output)
    trained = read_trained(runs)
    write_export(output, trained, kind)
    print(f"{counted(len(trained.members), 'network')} as {kind} in {output}", file=sys.stderr)


def _refuse_own(runs: Sequence[Path], output: Path) -> None:
    """Refuse to write over, into or around what is exported."""
    place = output.resolve()
    for run in (each.resolve() for each in runs):
        if place == run or place in run.parents or run in place.parents:
            raise InputError(f"--output: {output} and --run {run} overlap; choose another place.")


def _refuse_strange(output: Path) -> None:
    """Refuse to replace a folder that holds something else than an export."""
    from inspire_med.interop.seal import SEAL

    if output.is_dir() and any(output.iterdir()) and not (output / SEAL).is_file():
        raise InputError(f"--output: {output} holds something else; choose another place.")


def _verify(path: Path) -> None:
    from inspire_med.interop.verify import verify

    found = verify(path)
    print(
        f"{path}: {found.kind}, every file is as it was written; "
        f"the answer of {counted(len(found.differences), 'network')} is that of where it was made, "
        f"to {max(found.differences):.1g} of the largest logit",
        file=sys.stderr,
    )


if __name__ == "__main__":
    raise SystemExit(main())
