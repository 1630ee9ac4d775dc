# The published test-time augmentation of INSPIRE: seven scales, no flip; boxes and masks merged.
# With flips: another stage [dict(type="RandomFlip", prob=p) for p in (0.0, 1.0)] after the scales.
tta_model = dict(
    type="InstanceTTAModel",
    tta_cfg=dict(nms=dict(type="nms", iou_threshold=0.5), max_per_img=100),
)
tta_scales = [
    (1333, 800),
    (900, 600),
    (1200, 800),
    (1500, 1000),
    (1800, 1200),
    (2100, 1400),
    (2400, 1600),
]
tta_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(
        type="TestTimeAug",
        transforms=[
            [dict(type="Resize", scale=scale, keep_ratio=True) for scale in tta_scales],
            [dict(type="PackDetInputs")],
        ],
    ),
]
