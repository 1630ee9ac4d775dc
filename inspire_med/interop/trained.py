"""Trained: what an export is made of: models that predict together, and what goes with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inspire_med.inference.doubt import FILE, Doubt, read_doubt
from inspire_med.inference.members import Member, read_members
from inspire_med.inference.model import ModelCard
from inspire_med.inference.packed import by_archive, unpacked
from inspire_med.inference.postprocess import Postprocessing, find_postprocessing


@dataclass(frozen=True)
class Trained:
    """Models that predict together.

    Args:
        runs: The folders that were given.
        members: Their models.
        rules: What is done to the masks.
        doubt: What is known of how sure they are; None is nothing.
    """

    runs: tuple[Path, ...]
    members: tuple[Member, ...]
    rules: Postprocessing
    doubt: Doubt | None

    @property
    def card(self) -> ModelCard:
        """The first member's; the others differ in the statistics of their training cases."""
        return self.members[0].card


def read_trained(runs: Sequence[Path]) -> Trained:
    """Read runs, model folders or a cross-validation's folder, as `predict` does.

    Raises:
        InputError: As `read_members` and what reads rules and doubt.
    """
    with unpacked(runs) as places:
        members = by_archive(read_members(places), places, runs)
        rules = find_postprocessing("stored", places, members[0].card.regions)
        stored = places[0] / FILE
        doubt = read_doubt(stored) if len(places) == 1 and stored.is_file() else None
    return Trained(tuple(runs), tuple(members), rules, doubt)
