# The published "1x_m": SGD and a cosine by epochs.
_base_ = "./htc_r50_inspire-fpn.py"

train_cfg = dict(max_epochs=12)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(type="CosineAnnealingLR", begin=0, end=12, by_epoch=True, T_max=12, eta_min_ratio=0.001),
]
optim_wrapper = dict(optimizer=dict(lr=0.01))
auto_scale_lr = dict(base_batch_size=8)
