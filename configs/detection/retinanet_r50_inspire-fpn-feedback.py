_base_ = "./retinanet_r50_inspire-fpn.py"
# The finest of the ResNet's maps has no head here, so it is left out of the loop.
model = dict(
    backbone=dict(
        _delete_=True,
        type="FeedbackBackbone",
        backbone=dict(
            type="ResNet",
            depth=50,
            num_stages=4,
            out_indices=(1, 2, 3),
            frozen_stages=1,
            norm_cfg=dict(type="BN", requires_grad=True),
            norm_eval=True,
            style="pytorch",
            init_cfg=dict(type="Pretrained", checkpoint="torchvision://resnet50"),
        ),
        neck=dict(
            type="InspireFPN",
            in_channels=[512, 1024, 2048],
            out_channels=256,
            add_extra_convs="on_input",
            num_outs=5,
        ),
    ),
    neck=None,
)
