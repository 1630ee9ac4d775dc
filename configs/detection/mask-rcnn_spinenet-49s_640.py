_base_ = ["./_base_/spinenet_mask-rcnn.py", "./_base_/spinenet_640.py"]

model = dict(
    backbone=dict(arch="49S"),
    rpn_head=dict(in_channels=128, feat_channels=128),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=128),
        bbox_head=dict(in_channels=128, conv_out_channels=128, fc_out_channels=512),
        mask_roi_extractor=dict(out_channels=128),
        mask_head=dict(in_channels=128, conv_out_channels=128),
    ),
)
_base_.train_dataloader.dataset.pipeline[1].with_mask = True
train_dataloader = dict(batch_size=16)
val_evaluator = dict(metric=["bbox", "segm"])
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(lr=0.14))
_base_.param_scheduler[0].end = 4000
auto_scale_lr = dict(base_batch_size=8 * 16)
