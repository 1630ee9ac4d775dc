_base_ = "./sparseinst_r50_iam.py"
model = dict(decoder=dict(instances=dict(type="GroupInstanceBranch", groups=4)))
