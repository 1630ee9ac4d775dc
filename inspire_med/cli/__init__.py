"""Cli: what the commands share: options, one-sentence errors, progress, exit status."""
