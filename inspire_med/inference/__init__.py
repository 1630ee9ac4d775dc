"""Inference: a trained network and a case in, a mask on the case's own grid out."""

from inspire_med.inference.prediction import Prediction
from inspire_med.inference.predictor import Predictor

__all__ = ["Prediction", "Predictor"]
