# One of three scales an image, then a window of 1200 x 800 around a box; canvas 1216 x 800.
canvas_model = dict(
    data_preprocessor=dict(batch_augments=[dict(type="OrientedFixedSizePad", size=(1216, 800))])
)
crop_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(type="RandResizeCrop", scales=[(1400, 600), (1400, 800), (1400, 1000)], size=(1200, 800)),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
