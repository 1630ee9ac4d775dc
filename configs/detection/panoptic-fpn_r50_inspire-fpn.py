_base_ = "./panoptic-fpn_r50_fpn.py"
custom_imports = dict(imports=["inspire_med.detection.parts"])
model = dict(neck=dict(type="InspireFPN"))
