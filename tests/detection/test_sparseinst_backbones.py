import pytest
import torch
import torch.nn.functional as F
from mmdet.models.backbones.pvt import pvt_convert
from mmdet.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from inspire_med.detection.sparseinst.cspdarknet import CSPDarknet53
from inspire_med.detection.sparseinst.pvt import (
    LinearPyramidVisionTransformerV2,
    LinearSpatialReductionAttention,
)

CHANNELS, DEPTHS = (64, 128, 320, 512), (3, 4, 6, 3)


def linear(**options):
    return LinearPyramidVisionTransformerV2(
        **{"embed_dims": 64, "num_layers": list(DEPTHS), "out_indices": (1, 2, 3), **options}
    )


def narrow():
    return linear(embed_dims=8, num_layers=[1, 1, 1, 1], out_indices=(0, 1, 2, 3))


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameters_of_the_transformers():
    # Published with their classifier of 513,000: 22.6 M and 14.0 M.
    b2 = linear()
    b1 = MODELS.build(
        {"type": "PyramidVisionTransformerV2", "embed_dims": 64, "num_layers": [2, 2, 2, 2]}
    )

    assert count(b2) + 513_000 == pytest.approx(22.55e6, abs=0.01e6)
    assert count(b1) + 513_000 == pytest.approx(14.01e6, abs=0.01e6)


def test_linear_attention_by_its_formula():
    attention = LinearSpatialReductionAttention(
        8, 2, {"type": "DropPath", "drop_prob": 0.0}, {"type": "LN", "eps": 1e-6}
    )
    x, (height, width) = torch.randn(2, 15 * 9, 8), (15, 9)

    grid = F.adaptive_avg_pool2d(x.transpose(1, 2).unflatten(2, (height, width)), 7)
    grid = attention.sr(grid).flatten(2).transpose(1, 2)
    grid = F.gelu(F.layer_norm(grid, (8,), *attention.norm.parameters(), eps=1e-6))
    weight, bias = attention.attn.in_proj_weight.chunk(3), attention.attn.in_proj_bias.chunk(3)
    q, k, v = (
        F.linear(source, w, b).unflatten(2, (2, 4)).transpose(1, 2)
        for source, w, b in zip((x, grid, grid), weight, bias, strict=True)
    )
    heads = torch.softmax(q @ k.transpose(2, 3) / 2, dim=3) @ v  # (2, 2, 135, 4)
    expected = x + attention.attn.out_proj(heads.transpose(1, 2).flatten(2))

    torch.testing.assert_close(attention(x, (height, width)), expected)
    torch.testing.assert_close(
        attention(x, (height, width), identity=2 * x) - x, expected, msg="the residual is given"
    )


def test_the_mlp_has_a_relu_more():
    layers = narrow().layers[0][1][0].ffn.layers

    assert [type(layer).__name__ for layer in layers] == [
        "RectifiedConv2d",
        "Conv2d",
        "GELU",
        "Dropout",
        "Conv2d",
        "Dropout",
    ]


def published_names(model):
    """Name the model's tensors as the published file does; q apart from k and v."""
    named = {}
    for stage, (embedding, blocks, norm) in enumerate(model.layers, start=1):
        parts = {"proj": embedding.projection, "norm": embedding.norm}
        named |= {f"patch_embed{stage}.{name}": part for name, part in parts.items()}
        named[f"norm{stage}"] = norm
        for index, block in enumerate(blocks):
            parts = {
                "norm1": block.norm1,
                "norm2": block.norm2,
                "attn.proj": block.attn.attn.out_proj,
                "attn.sr": block.attn.sr,
                "attn.norm": block.attn.norm,
                "mlp.fc1": block.ffn.layers[0],
                "mlp.dwconv.dwconv": block.ffn.layers[1],
                "mlp.fc2": block.ffn.layers[4],
            }
            named |= {f"block{stage}.{index}.{name}": part for name, part in parts.items()}
    tensors = {
        f"{name}.{k}": v for name, part in named.items() for k, v in part.state_dict().items()
    }
    for name, tensor in tensors.items():
        if ".fc" in name and name.endswith("weight"):
            tensors[name] = tensor.flatten(1)
    for stage, (_, blocks, _) in enumerate(model.layers, start=1):
        for index, block in enumerate(blocks):
            for kind in ("weight", "bias"):
                joined = getattr(block.attn.attn, f"in_proj_{kind}").detach()
                width = len(joined) // 3
                tensors[f"block{stage}.{index}.attn.q.{kind}"] = joined[:width]
                tensors[f"block{stage}.{index}.attn.kv.{kind}"] = joined[width:]
    return {**tensors, "head.weight": torch.zeros(1000, 512)}


def test_published_weights_of_the_transformer_have_a_place(tmp_path):
    donor = narrow()
    torch.save(published_names(donor), tmp_path / "li.pth")

    loaded = linear(
        embed_dims=8,
        num_layers=[1, 1, 1, 1],
        out_indices=(0, 1, 2, 3),
        init_cfg={"type": "Pretrained", "checkpoint": str(tmp_path / "li.pth")},
    )
    loaded.load_state_dict(pvt_convert(published_names(donor)), strict=True)

    for name, tensor in donor.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(32, 32), (65, 97), (33, 70)])
def test_transformer_takes_any_size_and_learns_everywhere(size):
    model = narrow()

    maps = model(torch.randn(1, 3, *size))
    sum(c.square().mean() for c in maps).backward()

    sides = [[-(-side // stride) for side in size] for stride in (4, 8, 16, 32)]
    assert [list(c.shape[2:]) for c in maps] == sides
    assert [c.shape[1] for c in maps] == [8, 16, 40, 64]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_cspdarknet_is_timms():
    # timm: 27.64 M parameters with a classifier of 1,025,000, in a file of 110,775,135 bytes; 6.6 G
    # multiply-accumulates at 256 px.
    with torch.device("meta"):
        model = CSPDarknet53().eval()

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        maps = model(torch.zeros(1, 3, 256, 256, device="meta"))

    numbers = [*model.parameters(), *(b for b in model.buffers() if b.is_floating_point())]
    size = 4 * (sum(tensor.numel() for tensor in numbers) + 1_025_000)
    assert count(model) == 26_617_184
    assert size < 110_775_135 < 1.001 * size
    assert counter.get_total_flops() / 2 == pytest.approx(6.6e9, rel=0.015)
    assert [tuple(c.shape[1:]) for c in maps] == [(256, 32, 32), (512, 16, 16), (1024, 8, 8)]


def test_cspdarknet_has_timms_names():
    with torch.device("meta"):
        names = set(CSPDarknet53().state_dict())

    assert {
        "stem.conv1.conv.weight",
        "stem.conv1.bn.weight",
        "stages.0.conv_down.conv.weight",
        "stages.2.conv_exp.bn.running_mean",
        "stages.3.blocks.7.conv2.conv.weight",
        "stages.4.conv_transition_b.conv.weight",
        "stages.4.conv_transition.bn.bias",
    } < names


def test_cspdarknet_sends_half_of_the_channels_past_the_blocks():
    stage = CSPDarknet53().stages[1].eval()
    x = torch.randn(1, 64, 9, 7)

    wide = stage.conv_exp(stage.conv_down(x))
    through = wide[:, 64:]
    for block in stage.blocks:
        through = through + block.conv2(block.conv1(through))
    joined = torch.cat([wide[:, :64], stage.conv_transition_b(through)], dim=1)

    torch.testing.assert_close(stage(x), stage.conv_transition(joined))


@pytest.mark.parametrize("size", [(33, 45), (64, 32)])
def test_cspdarknet_takes_any_size_and_learns_everywhere(size):
    model = CSPDarknet53()

    maps = model(torch.randn(2, 3, *size))
    sum(c.square().mean() for c in maps).backward()

    assert [list(c.shape[2:]) for c in maps] == [[-(-s // n) for s in size] for n in (8, 16, 32)]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
