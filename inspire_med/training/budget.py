"""Budget: how long a run lasts, in steps, in wall time, or whichever ends first."""

import re
from dataclasses import dataclass

from inspire_med.config import TrainConfig
from inspire_med.errors import InputError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Budget:
    """Steps and seconds of a run; None is no limit.

    Everything that changes during a run (learning rate, moments of validation) is a function of
    the share that is spent, so a schedule always fits the time that there is.

    Raises:
        InputError: If there is neither limit, or one that is not positive.
    """

    max_steps: int | None
    max_time_s: float | None

    def __post_init__(self) -> None:
        if self.max_steps is None and self.max_time_s is None:
            raise InputError("--max_steps: no limit is set; give --max_steps or --max_time.")
        if self.max_steps is not None and self.max_steps < 1:
            raise InputError(f"--max_steps: {self.max_steps} is not positive; give at least 1.")

    def extended(self, steps: int, seconds: float) -> "Budget":
        """The same kind of budget, longer; a limit that there is not stays none."""
        return Budget(
            None if self.max_steps is None else self.max_steps + steps,
            None if self.max_time_s is None else self.max_time_s + seconds,
        )

    def spent(self, step: int, elapsed_s: float) -> float:
        """Share of the budget spent after `step` steps and `elapsed_s` seconds, in [0, 1]."""
        by_steps = step / self.max_steps if self.max_steps is not None else 0.0
        by_time = elapsed_s / self.max_time_s if self.max_time_s is not None else 0.0
        return min(max(by_steps, by_time), 1.0)

    def left_s(self, step: int, elapsed_s: float, *, step_s: float, validations_s: float) -> float:
        """Seconds to the end: those of the steps and validations that are left, or the time left.

        Args:
            step: Steps done.
            elapsed_s: Seconds since the start of the run.
            step_s: Seconds that a step takes.
            validations_s: Seconds that the validations which are left take together.
        """
        limits: list[float] = []
        if self.max_steps is not None:
            limits.append(max(0, self.max_steps - step) * step_s + validations_s)
        if self.max_time_s is not None:
            limits.append(max(0.0, self.max_time_s - elapsed_s))
        return min(limits)


def budget_of(config: TrainConfig) -> Budget:
    """The budget that the options give.

    Raises:
        InputError: If they give none.
    """
    limit_s = parse_duration(config.max_time) if config.max_time is not None else None
    return Budget(config.max_steps, limit_s)


def parse_duration(text: str, source: str = "--max_time") -> float:
    """Seconds in a duration such as `90s`, `25m`, `6h`, `1d` or `1h30m`.

    Args:
        text: The duration.
        source: Option or file that it comes from, for the error.

    Raises:
        InputError: If `text` is not of that form or is zero.
    """
    if not re.fullmatch(r"(\d+(\.\d+)?[smhd])+", text):
        raise InputError(f"{source}: {text!r} is not a duration; write 90s, 25m, 6h or 1h30m.")
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds <= 0:
        raise InputError(f"{source}: {text!r} is no time at all; give at least 1s.")
    return seconds
