_base_ = ["./_base_/spinenet_retinanet.py", "./_base_/spinenet_896.py"]

model = dict(backbone=dict(arch="49"))
train_dataloader = dict(batch_size=14)
optim_wrapper = dict(optimizer=dict(lr=0.1225))
_base_.param_scheduler[0].end = 4572
auto_scale_lr = dict(base_batch_size=8 * 14)
