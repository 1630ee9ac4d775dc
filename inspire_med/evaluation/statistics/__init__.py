"""Statistics: what scores of many cases, seeds and methods allow to be said."""
