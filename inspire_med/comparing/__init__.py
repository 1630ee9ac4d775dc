"""Comparing: networks side by side on the same folds, with the same seeds and budget."""
