"""Measures: one number or curve of a mask, a map or a set against its reference."""
