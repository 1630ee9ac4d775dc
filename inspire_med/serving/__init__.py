"""Serving: answers over HTTP."""
