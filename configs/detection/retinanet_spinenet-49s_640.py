_base_ = ["./_base_/spinenet_retinanet.py", "./_base_/spinenet_640.py"]

model = dict(
    backbone=dict(arch="49S"),
    bbox_head=dict(in_channels=128, feat_channels=128),
)
train_dataloader = dict(batch_size=32)
optim_wrapper = dict(optimizer=dict(lr=0.28))
_base_.param_scheduler[0].end = 2000
auto_scale_lr = dict(base_batch_size=8 * 32)
