"""Every fold: what `train --fold each` does, from its options to the scores of all cases."""

from collections.abc import Sequence
from dataclasses import replace

from inspire_med.cli.command import say
from inspire_med.cli.parser import CommandParser
from inspire_med.cli.planned import (
    STOPPED_PLANNING,
    asked_options,
    by_plan,
    known_plan,
    made_plan,
)
from inspire_med.cli.run_folder import (
    goes_on_by,
    refuse_foreign_folder,
    refuse_unlike_folds,
    write_session,
)
from inspire_med.comparing.cross_validation import CrossValidation, check, cross_validate
from inspire_med.comparing.process import StoppedError
from inspire_med.comparing.rules import rules_for
from inspire_med.config import TrainConfig
from inspire_med.errors import InputError
from inspire_med.files import remove_half_written
from inspire_med.training.launch import find_launcher
from inspire_med.training.request import check_request
from inspire_med.training.stopping import STOPPED, SignalledError, Signals, locked


def train_every_fold(parser: CommandParser, config: TrainConfig, words: Sequence[str]) -> int:
    """Train with each fold left out, one after the other, each in a process of its own.

    All go by one plan, made from all labelled cases: only networks that are alike predict together.

    Args:
        parser: Of `train`.
        config: What it found.
        words: The command line.

    Returns:
        The exit status.

    Raises:
        InputError: If something makes no sense, or a fold fails.
    """
    outside, processes = find_launcher(), config.devices or 1
    if outside.here * outside.machines > 1:
        if outside.rank:
            return 2
        raise InputError(
            "option --fold: each starts every training itself, but torchrun or srun made several "
            "processes of this command; start it once, with --devices for several a training."
        )
    manifest = check_request(config, processes)
    config = replace(config, task=manifest.task.name)
    whole = CrossValidation(config, manifest, rules_for(manifest.task))
    check(whole)
    refuse_foreign_folder(config)
    asked = asked_options(parser, words, manifest.task)
    with locked(config.run), Signals() as signals:
        try:
            known, plan = known_plan(config, manifest, say)
            if not known:
                plan = made_plan(config, manifest, asked, processes=processes, say=say)
            config = by_plan(config, plan, asked)
            check_request(config, processes)
            whole = replace(whole, config=config)
            refuse_unlike_folds(config, manifest.hash, whole.initial)
            remove_half_written(config.run)
            write_session(config, manifest.hash, plan, say)
            cross_validate(whole, signals, say)
        except SignalledError:
            say(STOPPED_PLANNING)
            return STOPPED
        except StoppedError:
            say(f"stopped by a signal; {goes_on_by(config.run)}")
            return STOPPED
    return 0
