_base_ = "./sparseinst_r50_giam-soft.py"
# The norms learn. They do not decay either, unlike in the published run, whose rule went by names
# and missed them.
model = dict(
    backbone=dict(
        _delete_=True,
        type="CSPDarknet53",
        init_cfg=dict(
            type="Pretrained",
            checkpoint="https://github.com/huggingface/pytorch-image-models/releases/download/"
            "v0.1-weights/cspdarknet53_ra_256-d05c7c21.pth",
        ),
    ),
    neck=dict(in_channels=[256, 512, 1024]),
)
