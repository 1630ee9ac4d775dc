# mmdet's pipelines and evaluator need panopticapi, which is on no package index; these do not.
_base_ = "mmdet::panoptic_fpn/panoptic-fpn_r50_fpn_1x_coco.py"
custom_imports = dict(imports=["inspire_med.detection.parts"])
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadPanopticSegments", with_bbox=True, with_mask=True, with_seg=True),
    dict(type="Resize", scale=(1333, 800), keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(1333, 800), keep_ratio=True),
    dict(type="LoadPanopticSegments", with_bbox=True, with_mask=True, with_seg=True),
    dict(
        type="PackDetInputs",
        meta_keys=(
            *("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
            *("seg_map_path", "segments_info"),
        ),
    ),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_evaluator = dict(_delete_=True, type="PanopticQuality")
test_evaluator = dict(_delete_=True, type="PanopticQuality")
