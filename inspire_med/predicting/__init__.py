"""Predicting: what predict does above inference."""
