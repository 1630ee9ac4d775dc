_base_ = "./sparseinst_r50_giam.py"
# The published run starts from timm's resnet50d, which has other names for the same network.
model = dict(
    backbone=dict(
        type="ResNetV1d",
        dcn=dict(type="DCN", deform_groups=1, fallback_on_stride=False),
        stage_with_dcn=(False, False, True, True),
        init_cfg=dict(checkpoint="mmcls://resnet50_v1d"),
    ),
)
