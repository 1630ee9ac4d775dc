_base_ = "./faster-rcnn_hrnetv2p-w18_syncbn_mstrain-pad_1x.py"
train_cfg = dict(max_epochs=24)
param_scheduler = {{_base_.steps_2x}}
