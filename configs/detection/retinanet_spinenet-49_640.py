_base_ = ["./_base_/spinenet_retinanet.py", "./_base_/spinenet_640.py"]

model = dict(backbone=dict(arch="49"))
train_dataloader = dict(batch_size=28)
optim_wrapper = dict(optimizer=dict(lr=0.245))
_base_.param_scheduler[0].end = 2285
auto_scale_lr = dict(base_batch_size=8 * 28)
