"""SpineNet: a backbone whose blocks change scale in the order a search found."""

from inspire_med.detection.spinenet.backbone import SpineNet

__all__ = ["SpineNet"]
