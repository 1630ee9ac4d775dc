"""Detection: INSPIRE and its neighbours in mmdet; the only place that imports mm*."""
