_base_ = ["./_base_/spinenet_retinanet.py", "./_base_/spinenet_1280.py"]

model = dict(
    backbone=dict(arch="143"),
    bbox_head=dict(anchor_generator=dict(octave_base_scale=4)),
)
_base_.train_dataloader.dataset.pipeline[2].ratio_range = (0.1, 1.9)
train_dataloader = dict(batch_size=3)
optim_wrapper = dict(optimizer=dict(lr=0.02625))
_base_.param_scheduler[0].end = 21333
auto_scale_lr = dict(base_batch_size=8 * 3)
