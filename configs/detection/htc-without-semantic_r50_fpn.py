_base_ = "mmdet::htc/htc-without-semantic_r50_fpn_1x_coco.py"
