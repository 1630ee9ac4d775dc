"""Imaging: files to arrays and back, for everyone, before any rule is applied. No torch."""
