"""nnU-Net's trainer ended by a wall time, from outside its code; its own interpreter runs this.

    python race_nnunet_train.py PREPROCESSED_FOLDER CONFIGURATION SECONDS SEED

It runs 1,000 epochs of 250 steps and saves every 50 epochs. Here its poly schedule runs over the
seconds instead of over epochs, every training case trains, nothing is validated, and the last
weights are saved. Network, loss, optimizer, augmentation and sampling are its own, and so are the
folders, which its predictor reads.
"""

import json
import os
import sys
import time
from pathlib import Path

import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer


class WallTimeTrainer(nnUNetTrainer):
    """Trains for some seconds."""

    def run_for(self, seconds: float) -> None:
        """Step until the time is over, then save what its predictor looks for."""
        self.on_train_start()
        self.network.train()
        began, steps = time.monotonic(), 0
        while (spent := (time.monotonic() - began) / seconds) < 1:
            for group in self.optimizer.param_groups:
                group["lr"] = self.initial_lr * (1 - spent) ** 0.9
            self.train_step(next(self.dataloader_train))
            steps += 1
        self.print_to_log_file(f"{steps} steps in {time.monotonic() - began:.0f} s")
        self.current_epoch = 1  # on_train_end counts from the epoch after the last
        self.on_train_end()


# The checkpoint and its folder carry the class's name, by which nnU-Net's predictor, which needs
# nothing of the above, finds its own trainer.
WallTimeTrainer.__name__ = nnUNetTrainer.__name__


def main(preprocessed: str, configuration: str, seconds: str, seed: str) -> None:
    torch.manual_seed(int(seed))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        # As nnUNetv2_train does, which takes every core there is; here those that it may use.
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    folder = Path(preprocessed)
    plans = json.loads((folder / "nnUNetPlans.json").read_text())
    WallTimeTrainer(
        plans={**plans, "continue_training": False},
        configuration=configuration,
        fold="all",
        dataset_json=json.loads((folder / "dataset.json").read_text()),
        device=device,
    ).run_for(float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
