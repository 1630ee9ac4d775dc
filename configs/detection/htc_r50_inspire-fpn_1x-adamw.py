# The published "1x_adamw".
_base_ = "./htc_r50_inspire-fpn.py"

_base_.train_dataloader.dataset.pipeline[2].scale = [(1333, 400), (1333, 1200)]

train_cfg = dict(max_epochs=12)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=1000),
    dict(type="CosineAnnealingLR", begin=0, end=12, by_epoch=True, T_max=12, eta_min_ratio=0.02),
]
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type="AdamW", lr=1e-4),
    clip_grad=dict(max_norm=3.689, norm_type=2),
)
auto_scale_lr = dict(base_batch_size=8)
