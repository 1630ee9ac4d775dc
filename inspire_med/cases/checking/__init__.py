"""Checking: is a set fit for use; if not, which file is at fault, why, and how to mend it."""
