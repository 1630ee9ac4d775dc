_base_ = "./mask-rcnn_r50_inspire-fpn.py"
model = dict(
    backbone=dict(
        _delete_=True,
        type="FeedbackBackbone",
        backbone={{_base_.model.backbone}},
        neck={{_base_.model.neck}},
    ),
    neck=None,
)
