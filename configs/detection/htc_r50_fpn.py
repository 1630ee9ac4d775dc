_base_ = "./_base_/htc_inspire_1x.py"
