_base_ = "./sparseinst_r50_giam.py"
model = dict(
    backbone=dict(depth=101, init_cfg=dict(checkpoint="torchvision://resnet101")),
)
