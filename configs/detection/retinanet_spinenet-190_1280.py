# The published config of this size is unfinished: 50 epochs, no result. This one is as the others.
_base_ = ["./_base_/spinenet_retinanet.py", "./_base_/spinenet_1280.py"]

model = dict(
    backbone=dict(arch="190"),
    bbox_head=dict(
        in_channels=512,
        feat_channels=512,
        stacked_convs=7,
        anchor_generator=dict(octave_base_scale=4),
    ),
)
_base_.train_dataloader.dataset.pipeline[2].ratio_range = (0.1, 1.9)
train_dataloader = dict(batch_size=8)
optim_wrapper = dict(optimizer=dict(lr=0.07))
_base_.param_scheduler[0].end = 8000
auto_scale_lr = dict(base_batch_size=8 * 8)
