_base_ = "./sparseinst_pvt-b1_giam.py"
model = dict(
    backbone=dict(
        type="LinearPyramidVisionTransformerV2",
        num_layers=[3, 4, 6, 3],
        init_cfg=dict(
            checkpoint="https://github.com/whai362/PVT/releases/download/v2/pvt_v2_b2_li.pth",
        ),
    ),
)
