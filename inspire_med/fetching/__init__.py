"""Fetching: published archives over HTTP, resumed, checked, and unpacked with mistrust."""
