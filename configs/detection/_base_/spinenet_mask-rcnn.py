# Mask R-CNN on SpineNet: no neck; P7 serves the region proposals alone.
_base_ = ["mmdet::_base_/models/mask-rcnn_r50_fpn.py", "./spinenet_schedule.py"]

# mmengine makes BN of it where there is one process.
norm_cfg = dict(type="SyncBN", momentum=0.01, eps=1e-3, requires_grad=True)
model = dict(
    data_preprocessor=dict(pad_size_divisor=128),
    backbone=dict(_delete_=True, type="SpineNet", arch="49", norm_cfg=norm_cfg),
    neck=None,
    rpn_head=dict(
        anchor_generator=dict(scales=[3], strides=[8, 16, 32, 64, 128]),
        loss_bbox=dict(_delete_=True, type="SmoothL1Loss", beta=1 / 9, loss_weight=1.0),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2), featmap_strides=[8, 16, 32, 64]),
        bbox_head=dict(
            type="Shared4Conv1FCBBoxHead",
            conv_out_channels=256,
            norm_cfg=norm_cfg,
            loss_bbox=dict(_delete_=True, type="SmoothL1Loss", beta=1.0, loss_weight=1.0),
        ),
        mask_roi_extractor=dict(roi_layer=dict(sampling_ratio=2), featmap_strides=[8, 16, 32, 64]),
        mask_head=dict(norm_cfg=norm_cfg),
    ),
    train_cfg=dict(rpn=dict(allowed_border=0), rpn_proposal=dict(max_per_img=2000)),
)
