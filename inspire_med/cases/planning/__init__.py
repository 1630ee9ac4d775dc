"""Planning: sizes of data and network, from what the cases are and what there is to use."""
