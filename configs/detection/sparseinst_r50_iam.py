_base_ = [
    "./_base_/sparseinst_r50.py",
    "./_base_/sparseinst_coco.py",
    "./_base_/sparseinst_270k.py",
]
