"""Blocks: the parts of INSPIRE, in 2-D and 3-D. Tensors in, tensors out; torch alone."""

from inspire_med.blocks.align import DeformAlign, FlowAlign, Resample
from inspire_med.blocks.conv import ConvNormAct
from inspire_med.blocks.isa import (
    ISA,
    Concatenate,
    ConcatenatedISA,
    CorrelationSimilarity,
    NormedISA,
)
from inspire_med.blocks.ise import ISE, AdaptiveAttention, FeatureEnrichment, ResidualISE
from inspire_med.blocks.loop import Pass, unroll, unroll_each, with_shared_parameters
from inspire_med.blocks.pointwise import Pointwise
from inspire_med.blocks.pyramid import FeaturePyramid, TopDown, inspire_pyramid, released_pyramid
from inspire_med.blocks.ssba import SSBA
from inspire_med.blocks.warp import warp

__all__ = [
    "ISA",
    "ISE",
    "SSBA",
    "AdaptiveAttention",
    "Concatenate",
    "ConcatenatedISA",
    "ConvNormAct",
    "CorrelationSimilarity",
    "DeformAlign",
    "FeatureEnrichment",
    "FeaturePyramid",
    "FlowAlign",
    "NormedISA",
    "Pass",
    "Pointwise",
    "Resample",
    "ResidualISE",
    "TopDown",
    "inspire_pyramid",
    "released_pyramid",
    "unroll",
    "unroll_each",
    "warp",
    "with_shared_parameters",
]
