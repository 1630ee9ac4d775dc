_base_ = "./sparseinst_r50_giam.py"
model = dict(decoder=dict(instances=dict(maps=dict(type="SoftmaxMaps"))))
