_base_ = ["mmdet::hrnet/faster-rcnn_hrnetv2p-w18-1x_coco.py", "./_base_/syncbn.py"]
model = {{_base_.syncbn_model}}
optim_wrapper = {{_base_.clipped}}
param_scheduler = {{_base_.steps_1x}}
