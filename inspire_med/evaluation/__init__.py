"""Evaluation: named protocols, each with its written rules. Numpy and scipy only."""

from inspire_med.evaluation.case import Score, evaluate_case
from inspire_med.evaluation.protocols import Protocol, protocol

__all__ = ["Protocol", "Score", "evaluate_case", "protocol"]
