"""Serving: a trained model that answers over HTTP."""
