"""Options: the words that the commands share, after mmdet's own tools."""

from pathlib import Path
from typing import Literal

from inspire_med.cli.parser import CommandParser


def add_cfg_options(parser: CommandParser) -> None:
    """Add the words that are laid over a config."""
    parser.add_argument(
        "--cfg-options",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="Settings over the config's, as in optim_wrapper.optimizer.lr=0.01 or "
        "train_cfg.max_epochs=2; lists as a,b or [a,b]; data_root=DIR moves all paths of the data.",
    )


def add_options(parser: CommandParser, *, work_dir: str, amp: str) -> None:
    """Add what training and testing take, with the help texts of the two that differ."""
    parser.add_argument("--work-dir", type=Path, help=work_dir)
    add_cfg_options(parser)
    parser.add_argument(
        "--launcher",
        type=Literal["none", "pytorch", "slurm", "mpi"],
        default="none",
        help="Who started the processes; GPUs talk by NCCL, CPUs by gloo.",
    )
    parser.add_argument("--amp", type=bool, default=False, help=amp)
