"""nnU-Net's trainer ended by a wall time, from outside its code (found by nnUNet_extTrainer).

Its 1,000 epochs of 250 steps take days on two cores, and it saves every 50 epochs. Here its poly
schedule runs over the seconds of RACE_SECONDS instead of over epochs, and the last weights are
saved when they are over. Network, loss, optimizer, augmentation and sampling are its own.
"""

import os
import time

import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer


class WallTimeTrainer(nnUNetTrainer):
    """Trains on every training case; nothing is validated, so that all of the time is steps."""

    def run_training(self) -> None:
        """Step until the time is over, then save what its predictor looks for."""
        torch.manual_seed(int(os.environ["RACE_SEED"]))
        self.on_train_start()
        self.network.train()
        seconds = float(os.environ["RACE_SECONDS"])
        began, steps = time.monotonic(), 0
        while (spent := (time.monotonic() - began) / seconds) < 1:
            for group in self.optimizer.param_groups:
                group["lr"] = self.initial_lr * (1 - spent) ** 0.9
            self.train_step(next(self.dataloader_train))
            steps += 1
        self.print_to_log_file(f"{steps} steps in {time.monotonic() - began:.0f} s")
        self.current_epoch = 1  # on_train_end counts from the epoch after the last
        self.on_train_end()

    def perform_actual_validation(self, save_probabilities: bool = False) -> None:
        """Leave it out: the race predicts and scores the test cases apart."""
