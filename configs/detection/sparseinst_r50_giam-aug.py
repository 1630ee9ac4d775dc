# Half of the training images are crops, as in DETR.
_base_ = "./sparseinst_r50_giam.py"

resize = dict(
    type="RandomChoiceResize",
    scales=[(853, side) for side in range(416, 641, 32)],
    keep_ratio=True,
)
crop = [
    # 4200: the long side as it comes.
    dict(
        type="RandomChoiceResize", scales=[(4200, 400), (4200, 500), (4200, 600)], keep_ratio=True
    ),
    dict(type="RandomCrop", crop_type="absolute_range", crop_size=(384, 600), recompute_bbox=True),
]
train_pipeline = [
    dict(type="LoadImageFromFile", backend_args=None),
    dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="RandomChoice", transforms=[[resize], [*crop, resize]]),
    dict(type="FilterAnnotations", min_gt_bbox_wh=(1e-5, 1e-5), by_mask=True),
    dict(type="PackDetInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
