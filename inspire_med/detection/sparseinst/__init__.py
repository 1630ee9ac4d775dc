"""SparseInst ("Lordre"): every object's mask at once from instance activation maps, no NMS.

Importing it registers its parts with mmdet.
"""

from inspire_med.detection.sparseinst.activation_maps import SigmoidMaps, SoftmaxMaps
from inspire_med.detection.sparseinst.criterion import SparseInstCriterion
from inspire_med.detection.sparseinst.cspdarknet import CSPDarknet53
from inspire_med.detection.sparseinst.decoder import SparseInstDecoder
from inspire_med.detection.sparseinst.detector import SparseInst
from inspire_med.detection.sparseinst.encoder import InstanceContextEncoder
from inspire_med.detection.sparseinst.instance_branch import GroupInstanceBranch, InstanceBranch
from inspire_med.detection.sparseinst.mask_branch import MaskBranch
from inspire_med.detection.sparseinst.matching import DiceMatcher
from inspire_med.detection.sparseinst.pvt import LinearPyramidVisionTransformerV2

__all__ = [
    "CSPDarknet53",
    "DiceMatcher",
    "GroupInstanceBranch",
    "InstanceBranch",
    "InstanceContextEncoder",
    "LinearPyramidVisionTransformerV2",
    "MaskBranch",
    "SigmoidMaps",
    "SoftmaxMaps",
    "SparseInst",
    "SparseInstCriterion",
    "SparseInstDecoder",
]
