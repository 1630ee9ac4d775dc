"""Standalone: files that go into exports and run where this package is not."""
