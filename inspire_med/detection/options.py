"""Options: the words that training and testing share, after mmdet's own tools."""

from pathlib import Path
from typing import Literal

from inspire_med.command import CommandParser


def add_options(parser: CommandParser, *, work_dir: str, amp: str) -> None:
    """Add what both commands take, with the help texts of the two that differ."""
    parser.add_argument("--work-dir", type=Path, help=work_dir)
    parser.add_argument(
        "--cfg-options",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="Settings over the config's, as in optim_wrapper.optimizer.lr=0.01 or "
        "train_cfg.max_epochs=2; lists as a,b or [a,b]; data_root=DIR moves all paths of the data.",
    )
    parser.add_argument(
        "--launcher",
        type=Literal["none", "pytorch", "slurm", "mpi"],
        default="none",
        help="Who started the processes; GPUs talk by NCCL, CPUs by gloo.",
    )
    parser.add_argument("--amp", type=bool, default=False, help=amp)
