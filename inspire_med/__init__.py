"""inspire_med: medical image segmentation with INSPIRE blocks on MONAI."""

__version__ = "0.1.0"
