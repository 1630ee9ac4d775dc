# RetinaNet on SpineNet: no neck; the head's convolutions are shared by the levels, its norms not.
_base_ = ["mmdet::_base_/models/retinanet_r50_fpn.py", "./spinenet_schedule.py"]

# mmengine makes BN of it where there is one process.
norm_cfg = dict(type="SyncBN", momentum=0.01, eps=1e-3, requires_grad=True)
model = dict(
    data_preprocessor=dict(pad_size_divisor=128),
    backbone=dict(_delete_=True, type="SpineNet", arch="49", norm_cfg=norm_cfg),
    neck=None,
    bbox_head=dict(
        type="RetinaSepBNHead",
        num_ins=5,
        norm_cfg=norm_cfg,
        anchor_generator=dict(octave_base_scale=3),
        loss_bbox=dict(_delete_=True, type="SmoothL1Loss", beta=0.11, loss_weight=1.0),
    ),
    train_cfg=dict(assigner=dict(neg_iou_thr=0.5)),
)
optim_wrapper = dict(clip_grad=dict(max_norm=10, norm_type=2))
