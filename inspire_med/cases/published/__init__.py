"""Published sets of pictures: how their files are known, their sequences and their splits."""
