# What the runs with synchronised batch norm share, named for each config to put in its place.
custom_imports = dict(imports=["inspire_med.detection.parts"])

syncbn_model = dict(
    # mmdet puts every batch norm, synchronised or not, into evaluation with norm_eval=True.
    backbone=dict(norm_cfg=dict(type="SyncBN", requires_grad=True), norm_eval=False),
    rpn_head=dict(loss_bbox=dict(type="SmoothL1Loss", beta=1 / 9)),
    roi_head=dict(bbox_roi_extractor=dict(roi_layer=dict(sampling_ratio=2))),
    test_cfg=dict(rpn=dict(nms_pre=2000, max_per_img=2000)),
)
clipped = dict(clip_grad=dict(max_norm=35, norm_type=2))

_warm_up = dict(type="LinearLR", start_factor=1 / 3, by_epoch=False, begin=0, end=500)
steps_1x = [
    _warm_up,
    dict(type="MultiStepLR", begin=0, end=12, by_epoch=True, milestones=[8, 11], gamma=0.1),
]
steps_2x = [
    _warm_up,
    dict(type="MultiStepLR", begin=0, end=24, by_epoch=True, milestones=[20, 23], gamma=0.1),
]
