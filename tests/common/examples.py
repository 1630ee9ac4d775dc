"""How many examples a property gets."""

from hypothesis import settings

# A sixth of what the profile gives to others: for properties whose examples take long.
costly = settings(max_examples=settings.default.max_examples // 6)
