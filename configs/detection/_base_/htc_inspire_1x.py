# HTC with the published INSPIRE recipe: range multi-scale and "schedule_1x" (twenty epochs).
_base_ = "mmdet::htc/htc_r50_fpn_1x_coco.py"

train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True, with_mask=True, with_seg=True),
    dict(type="RandomResize", scale=[(1333, 600), (1333, 900)], keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

train_cfg = dict(max_epochs=20)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type="MultiStepLR", begin=0, end=20, by_epoch=True, milestones=[16, 19], gamma=0.1),
]
optim_wrapper = dict(optimizer=dict(lr=0.08))
# By the linear rule; --auto-scale-lr takes it to the batch in use.
auto_scale_lr = dict(base_batch_size=64)
