_base_ = ["./_base_/spinenet_retinanet.py", "./_base_/spinenet_1024.py"]

model = dict(backbone=dict(arch="96"))
train_dataloader = dict(batch_size=8)
optim_wrapper = dict(optimizer=dict(lr=0.07))
_base_.param_scheduler[0].end = 8000
auto_scale_lr = dict(base_batch_size=8 * 8)
