_base_ = ["./_base_/spinenet_mask-rcnn.py", "./_base_/spinenet_1280.py"]

model = dict(
    backbone=dict(arch="143"),
    train_cfg=dict(rpn=dict(allowed_border=-1), rpn_proposal=dict(max_per_img=1000)),
)
_base_.train_dataloader.dataset.pipeline[1].with_mask = True
train_dataloader = dict(batch_size=3)
val_evaluator = dict(metric=["bbox", "segm"])
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(lr=0.02625))
_base_.param_scheduler[0].end = 21333
auto_scale_lr = dict(base_batch_size=8 * 3)
