# One of three scales an image, every batch on a canvas of one size: 1600 x 1024, upright or lying.
canvas_model = dict(
    data_preprocessor=dict(batch_augments=[dict(type="OrientedFixedSizePad", size=(1600, 1024))])
)
mstrain_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(
        type="RandomChoiceResize",
        scales=[(1600, 1000), (1000, 600), (1333, 800)],
        keep_ratio=True,
    ),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
