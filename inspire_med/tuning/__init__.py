"""Tuning: what cases that no network has trained on tell about the use of its answers."""
