# The published "1x_step", whose learning rate fits the published batch of eight.
_base_ = "./htc_r50_inspire-fpn.py"

_base_.train_dataloader.dataset.pipeline[2].scale = [(1333, 400), (1333, 1200)]

train_cfg = dict(max_epochs=12)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type="MultiStepLR", begin=0, end=12, by_epoch=True, milestones=[8, 11], gamma=0.1),
]
optim_wrapper = dict(optimizer=dict(lr=0.01))
auto_scale_lr = dict(base_batch_size=8)
