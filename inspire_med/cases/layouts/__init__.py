"""Layouts: the public sets as they are released; recognised from the folder."""
