"""The list of commands: `python -m inspire_med`, `inspire-med`."""

import importlib
import sys
from collections.abc import Sequence

import inspire_med
from inspire_med.cli.command import reader_may_leave

COMMANDS = {
    "prepare": "find, check and index a data set; make phantom data",
    "train": "train one experiment",
    "predict": "masks for a file, a folder or a manifest",
    "evaluate": "Dice and the rest, under a named protocol",
    "view": "a folder's pages in a browser, by ssh too; read-only",
    "compare": "networks side by side: same folds, seeds, budget; paired tests",
    "export": "a trained model to hand on: for predict, torch.export, ONNX or MONAI",
    "serve": "a model that answers over HTTP, to 3D Slicer too",
    "tune": "rules of postprocessing that help, by out-of-fold predictions",
    "weights": "encoders, and the weights that they can start from",
    "doctor": "is this machine, this install, this data set fit for the run?",
    "detection.train": "train a detector of mmdet's kind",
    "detection.test": "score a detector",
    "detection.analyze": "parameters, operations and speed of a detector",
    "detection.phantom": "make a set in COCO's form with known objects",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first word names; 0 done, 2 no such command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in COMMANDS:
        return importlib.import_module(f"inspire_med.{words[0]}").main(words[1:])
    told = {"-h": _overview, "--help": _overview, "--version": lambda: inspire_med.__version__}
    if words and words[0] in told:
        with reader_may_leave():
            print(told[words[0]]())
        return 0
    wrong = f"{words[0]}: no such command; " if words else "no command given; "
    print(f"inspire-med: {wrong}choose one of {', '.join(COMMANDS)}.", file=sys.stderr)
    return 2


def _overview() -> str:
    lines = [f"inspire-med {inspire_med.__version__}", "", "Commands (each has --help):"]
    lines += [f"  {name:18} {text}" for name, text in COMMANDS.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
