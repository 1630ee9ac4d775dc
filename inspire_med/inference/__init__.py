"""Inference: a trained network and a case in, a mask on the case's own grid out."""
