"""Training: one experiment from its Config to its checkpoints."""
