# The pipelines of 640 at 1280 x 1280.
_base_ = "./spinenet_640.py"

size = (1280, 1280)
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[2].scale = train_pipeline[3].crop_size = train_pipeline[5].size = size
test_pipeline[1].scale = size
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
