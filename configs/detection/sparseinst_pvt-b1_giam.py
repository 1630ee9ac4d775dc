_base_ = "./sparseinst_r50_giam.py"
model = dict(
    backbone=dict(
        _delete_=True,
        type="PyramidVisionTransformerV2",
        embed_dims=64,
        num_layers=[2, 2, 2, 2],
        out_indices=(1, 2, 3),
        drop_path_rate=0.1,
        init_cfg=dict(
            checkpoint="https://github.com/whai362/PVT/releases/download/v2/pvt_v2_b1.pth",
        ),
    ),
    neck=dict(in_channels=[128, 320, 512]),
)
# Neither the norms nor the patch embeddings decay.
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={f"backbone.layers.{stage}.0.": dict(decay_mult=0) for stage in range(4)},
    ),
)
