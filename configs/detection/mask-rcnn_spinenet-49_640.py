_base_ = ["./_base_/spinenet_mask-rcnn.py", "./_base_/spinenet_640.py"]

model = dict(backbone=dict(arch="49"))
_base_.train_dataloader.dataset.pipeline[1].with_mask = True
train_dataloader = dict(batch_size=16)
val_evaluator = dict(metric=["bbox", "segm"])
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(lr=0.14))
_base_.param_scheduler[0].end = 4000
auto_scale_lr = dict(base_batch_size=8 * 16)
