# The stem and the first stage stay frozen, as in mmdet: 42 of the 53 norms train.
_base_ = ["mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py", "./_base_/syncbn.py"]
model = {{_base_.syncbn_model}}
optim_wrapper = {{_base_.clipped}}
param_scheduler = {{_base_.steps_1x}}
