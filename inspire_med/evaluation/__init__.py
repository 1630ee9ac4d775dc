"""Evaluation: named protocols, each with its written rules. Numpy and scipy only."""

from inspire_med.evaluation.case import evaluate_case
from inspire_med.evaluation.protocols import Protocol, protocol
from inspire_med.evaluation.result import RegionResult

__all__ = ["Protocol", "RegionResult", "evaluate_case", "protocol"]
