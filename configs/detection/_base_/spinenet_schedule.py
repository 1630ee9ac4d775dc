# Training from scratch, 350 epochs, on 8 GPUs. Each config names its images a GPU and follows the
# linear rule: lr = 0.28 * batch / 256, warm-up of 2000 * 256 / batch iterations.
_base_ = ["mmdet::_base_/schedules/schedule_1x.py", "mmdet::_base_/default_runtime.py"]

custom_imports = dict(imports=["inspire_med.detection.parts"])

train_cfg = dict(max_epochs=350)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=2000),
    dict(type="MultiStepLR", begin=0, end=350, by_epoch=True, milestones=[320, 340], gamma=0.1),
]
optim_wrapper = dict(
    optimizer=dict(lr=0.28, weight_decay=4e-5),
    # RetinaSepBNHead holds each of its convolutions five times.
    paramwise_cfg=dict(norm_decay_mult=0.0, bypass_duplicate=True),
)
auto_scale_lr = dict(base_batch_size=256)
default_hooks = dict(checkpoint=dict(max_keep_ckpts=3))
