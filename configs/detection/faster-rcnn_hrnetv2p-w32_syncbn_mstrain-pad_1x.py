_base_ = ["./faster-rcnn_hrnetv2p-w32_syncbn_1x.py", "./_base_/mstrain-pad.py"]
model = {{_base_.canvas_model}}
train_dataloader = dict(dataset=dict(pipeline={{_base_.mstrain_pipeline}}))
