# SparseInst with basic instance activation maps on ResNet-50.
custom_imports = dict(imports=["inspire_med.detection.parts"])

model = dict(
    type="SparseInst",
    data_preprocessor=dict(
        type="DetDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_mask=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type="ResNet",
        depth=50,
        num_stages=4,
        out_indices=(1, 2, 3),
        # All convolutions learn, the norms do not.
        frozen_stages=-1,
        norm_cfg=dict(type="BN", requires_grad=False),
        norm_eval=True,
        style="pytorch",
        init_cfg=dict(type="Pretrained", checkpoint="torchvision://resnet50"),
    ),
    neck=dict(type="InstanceContextEncoder", in_channels=[512, 1024, 2048]),
    decoder=dict(
        type="SparseInstDecoder",
        in_channels=256,
        instances=dict(
            type="InstanceBranch",
            num_classes=80,
            num_masks=100,
            maps=dict(type="SigmoidMaps"),
        ),
        masks=dict(type="MaskBranch"),
    ),
    criterion=dict(type="SparseInstCriterion", matcher=dict(type="DiceMatcher")),
    test_cfg=dict(score_thr=0.005, mask_thr=0.45),
)
