"""Phantom: made data sets in the public sets' own layouts and formats, with known masks."""
