"""What must be true of every network, whatever stands on its skips."""

import pytest
import torch
from beside import assert_beside_is_plain
from torch import nn

from inspire_med.blocks.norm import InstanceNorm
from inspire_med.blocks.resize import resize
from inspire_med.errors import InputError
from inspire_med.losses import SegmentationLoss
from inspire_med.networks import DeepSupervision, Encoder, UNet, unet_encoder
from inspire_med.networks.skips import Skip, concatenate, leave
from inspire_med.networks.unet import DecoderLevel

SKIPS = ["concat", "ise", "isa", "ssba", "ise+isa", "ise+isa-beside", "inspire"]
SKIPS += [
    "ssba@3",
    "ise@2+isa@2+ssba@2",
    "ise+ssba-light",
    "ssba-light@2",
    "ise-residual+isa-channel",
    "isa-norm",
    "isa-resample",
]
SIZES = {2: (21, 18), 3: (21, 18, 11)}


@pytest.fixture(params=[2, 3], ids=["2d", "3d"])
def dims(request) -> int:
    return request.param


def make(dims: int, skip: str = "inspire", **options) -> UNet:
    return UNet(dims, 3, 2, skip=skip, **{"widths": (8, 12, 16), **options})


def shake(network: nn.Module) -> nn.Module:
    """Move every parameter away from its start, so that nothing is zero by design."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return network


@pytest.mark.parametrize("skip", SKIPS)
def test_gives_logits_at_the_images_own_odd_size(dims, skip):
    logits = make(dims, skip)(torch.randn(1, 3, *SIZES[dims]))

    assert logits.shape == (1, 2, *SIZES[dims])


@pytest.mark.parametrize("skip", SKIPS)
def test_every_parameter_gets_a_finite_gradient(dims, skip):
    network = make(dims, skip)

    network(torch.randn(2, 3, *SIZES[dims])).square().mean().backward()

    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("skip", SKIPS)
def test_after_the_start_no_parameter_is_without_effect(dims, skip):
    network = shake(make(dims, skip))

    network(torch.randn(2, 3, *SIZES[dims])).square().mean().backward()

    assert [n for n, p in network.named_parameters() if not p.grad.any()] == []


@pytest.mark.parametrize("skip", SKIPS)
def test_trains_finitely_in_bfloat16(dims, skip):
    network = make(dims, skip)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(torch.randn(2, 3, *SIZES[dims]))
        loss = SegmentationLoss()(logits, torch.ones(2, 2, *SIZES[dims]))
    loss.backward()

    assert logits.isfinite().all()
    assert all(p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("skip", SKIPS)
def test_a_batch_is_each_image_alone(dims, skip):
    network = shake(make(dims, skip)).eval()
    images = torch.randn(3, 3, *SIZES[dims])

    alone = torch.cat([network(image[None]) for image in images])

    torch.testing.assert_close(network(images), alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("skip", ["concat", "inspire", "ssba@2"])
def test_the_layout_of_memory_changes_nothing(dims, skip):
    network = shake(make(dims, skip)).eval()
    image = torch.randn(2, 3, *SIZES[dims])
    expected = network(image)
    layout = (torch.channels_last, torch.channels_last_3d)[dims - 2]

    result = network.to(memory_format=layout)(image.to(memory_format=layout))

    torch.testing.assert_close(result, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("skip", SKIPS)
def test_a_volume_of_one_slice_is_an_image(skip):
    flat, deep = shake(make(2, skip)), make(3, skip)
    deep.load_state_dict({name: deepen(name, v) for name, v in flat.state_dict().items()})
    image = torch.randn(2, 3, *SIZES[2])

    torch.testing.assert_close(deep(image[:, :, None])[:, :, 0], flat(image), atol=1e-4, rtol=1e-4)


def deepen(name: str, value: torch.Tensor) -> torch.Tensor:
    """Put a 2-D kernel in the middle slice of a 3-D one; a flow gets no way across slices."""
    if value.ndim != 4:
        return value
    kernel = torch.zeros(*value.shape[:2], 3, 3, 3)
    kernel[:, :, 1] = value
    if name.endswith("flow.weight"):
        kernel = torch.cat([torch.zeros_like(kernel[:1]), kernel])
    return kernel


def alone(network: UNet, dims: int, skip: str) -> UNet:
    """The same network without what feeds back."""
    once = make(dims, skip).train(network.training)
    state = network.state_dict()
    once.load_state_dict({name: state[name] for name in once.state_dict()})
    return once


@pytest.mark.parametrize("steps", [2, 3])
@pytest.mark.parametrize("feedback", ["ssba", "ssba@2", "ssba@3", "ssba-light", "ssba-light@3"])
def test_the_second_pass_with_untouched_ssba_is_the_first(dims, feedback, steps):
    twice = make(dims, f"ise+isa+{feedback}", steps=steps).eval()
    image = torch.randn(2, 3, *SIZES[dims])

    torch.testing.assert_close(twice(image), alone(twice, dims, "ise+isa")(image))


@pytest.mark.parametrize("level", [1, 2, 3])
def test_feedback_from_a_level_on_is_written_out_here_once_more(dims, level):
    network = shake(make(dims, f"ise+isa@2+ssba@{level}"))
    image = torch.randn(2, 3, *SIZES[dims])
    stages, top = network.encoder.stages, network.top_down
    coarse = slice(level - 1, None)

    def pyramid_of(features: list[torch.Tensor], finest: int) -> list[torch.Tensor]:
        maps = [top.laterals[-1](features[-1])]
        for j in range(len(features) - 2, finest - 2, -1):
            maps.insert(0, top.merges[j](maps[0], top.laterals[j](features[j])))
        return maps

    c = [stages[0](image)]
    for stage in stages[1:]:
        c.append(stage(c[-1]))
    p = pyramid_of(c, level)
    augment = dict(enumerate(network.feedback, start=level - 1))
    again = [*c[: level - 1], augment[level - 1](p[0], c[level - 1])]
    for j in range(level, len(c)):
        again.append(augment[j](p[j - level + 1], stages[j](again[-1])))
    expected = network.head(pyramid_of(again, 1)[0])

    assert len(network.feedback) == len(c[coarse])
    torch.testing.assert_close(network(image), expected, atol=1e-5, rtol=1e-5)


def test_what_is_finer_than_the_feedback_runs_once(dims):
    network = make(dims, "ise+isa+ssba@2")
    runs: list[str] = []
    levels = {"encoder.stages": 3, "top_down.laterals": 3, "top_down.merges": 2}
    first = {f"{part}.{level}" for part, count in levels.items() for level in range(count)}
    again = {"stages.0", "top_down.laterals.0", "top_down.laterals.1", "top_down.merges.0"}
    for name in first | {f"passes.0.{each}" for each in again}:
        network.get_submodule(name).register_forward_hook(lambda *_, name=name: runs.append(name))

    network(torch.randn(2, 3, *SIZES[dims]))

    assert sorted(runs) == sorted(first | {f"passes.0.{each}" for each in again})
    assert len(network.passes[0].stages) == 1


@pytest.mark.parametrize("steps", [2, 3])
def test_a_light_feedback_is_written_out_here_once_more(dims, steps):
    network = shake(make(dims, "isa+ssba-light@2", steps=steps))
    image = torch.randn(2, 3, *SIZES[dims])
    (low, high), (first, second) = network.sketch.laterals, network.feedback
    fine, middle, top = network.encoder(image)
    coarsest = network.encoder.stages[2]

    unchanged = middle
    for _ in range(steps - 1):
        p3 = high(top)
        p2 = low(middle) + resize(p3, middle.shape[2:])
        middle = first(p2, unchanged)
        top = second(p3, coarsest(middle))
    expected = network.head(network.top_down([fine, middle, top])[0])

    assert p2.shape[1] == 32
    torch.testing.assert_close(network(image), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("steps", [2, 3])
def test_a_light_feedback_runs_the_decoder_once(dims, steps):
    network = make(dims, "inspire", steps=steps), make(dims, "ise+isa+ssba-light", steps=steps)
    runs = [0, 0]
    for index, one in enumerate(network):
        for module in one.modules():
            if isinstance(module, DecoderLevel):
                module.register_forward_hook(lambda *_, i=index: runs.__setitem__(i, runs[i] + 1))
        one(torch.randn(2, 3, *SIZES[dims]))

    assert runs == [2 * steps, 2]


def test_passes_begin_with_the_statistics_of_the_first(dims):
    network = make(dims, "ise+isa+ssba@2")
    network(torch.randn(2, 3, *SIZES[dims]))
    before = {n: v.clone() for n, v in network.state_dict().items()}

    network.begin_passes_alike()

    after = network.state_dict()
    assert all(torch.equal(v, before[n]) for n, v in after.items() if not n.startswith("passes"))
    pairs = {"stages.0": "encoder.stages.2", "top_down.merges.0": "top_down.merges.1"}
    for again, first in pairs.items():
        own = {n: v for n, v in after.items() if n.startswith(f"passes.0.{again}.")}
        assert own
        for name, value in own.items():
            assert torch.equal(value, after[name.replace(f"passes.0.{again}", first)])


@pytest.mark.parametrize("feedback", ["ssba", "ssba@2", "ssba-light"])
@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
def test_passes_that_waited_join_without_a_jump(dims, feedback, mode):
    network = make(dims, f"ise+isa+{feedback}", steps=3)
    network.hold_passes()
    image = torch.randn(2, 3, *SIZES[dims])
    network(image).square().mean().backward()
    torch.optim.SGD(network.parameters(), 0.1).step()
    once = network.train(mode)(image)

    network.begin_passes()

    assert all(p.grad is None for p in network.feedback.parameters())
    assert not network.passes_wait
    torch.testing.assert_close(network(image), once)


def test_while_passes_wait_their_statistics_do(dims):
    network = make(dims)
    network.hold_passes()
    before = {n: v.clone() for n, v in network.passes.named_buffers()}

    network(torch.randn(2, 3, *SIZES[dims]))

    assert all(torch.equal(v, before[n]) for n, v in network.passes.named_buffers())


def test_makes_no_network_of_a_level_that_is_not_there():
    with pytest.raises(InputError, match="network of 3 levels that can be 1 to 3"):
        make(2, "ssba@4")


@pytest.mark.parametrize("skip", ["ssba", "ssba@3", "ssba-light"])
def test_trained_feedback_changes_the_answer(dims, skip):
    network = shake(make(dims, skip)).eval()
    image = torch.randn(2, 3, *SIZES[dims])

    assert not torch.allclose(network(image), alone(network, dims, "concat")(image))


@pytest.mark.parametrize("skip", ["inspire", "ise+isa+ssba@2", "ise+isa+ssba-light"])
def test_every_pass_evaluates_as_it_was_trained(dims, skip):
    # Batch statistics in training, running ones in evaluation: on one and the same batch they are
    # one and the same network, as long as the passes do not mix theirs.
    network = shake(make(dims, skip))
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    image = torch.randn(4, 3, *SIZES[dims])

    trained = network.train()(image).detach()
    evaluated = network.eval()(image).detach()

    # Running variances are unbiased, n / (n - 1), with n as small as a few dozen at the top.
    torch.testing.assert_close(evaluated, trained, atol=0.1 * float(trained.std()), rtol=0)


@pytest.mark.parametrize("skip", ["concat", "inspire"])
@pytest.mark.parametrize("norm", [None, InstanceNorm])
def test_trains_on_one_image_whose_coarsest_level_is_a_single_voxel(dims, skip, norm):
    network = make(dims, skip, norm=norm)
    image = torch.randn(1, 3, *[2 ** (len(network.channels) - 1)] * dims)

    network(image).sum().backward()

    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


def test_further_passes_add_no_parameters(dims):
    count = [sum(p.numel() for p in make(dims, "inspire", steps=n).parameters()) for n in (2, 4)]

    assert count[0] == count[1]


def test_without_feedback_the_number_of_passes_does_not_matter(dims):
    assert make(dims, "ise+isa", steps=5).steps == 1


def test_isa_beside_the_concatenation_starts_as_the_plain_network(dims):
    beside, plain = make(dims, "isa-beside").eval(), make(dims, "concat").eval()

    assert_beside_is_plain(beside, plain, torch.randn(2, 3, *SIZES[dims]))


@pytest.mark.parametrize("skip", ["concat", "inspire"])
def test_a_strided_stem_halves_every_level_and_leaves_the_logits_their_size(dims, skip):
    encoder = unet_encoder(dims, 3, (8, 12, 16), stem_stride=2)
    network = UNet(dims, 3, 2, skip=skip, encoder=encoder)
    image = torch.randn(1, 3, *SIZES[dims])

    pyramid = network.pyramid(image)

    for level, features in enumerate(pyramid):
        assert list(features.shape[2:]) == [-(-side // 2 ** (level + 1)) for side in SIZES[dims]]
    assert network(image).shape == (1, 2, *SIZES[dims])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("skip", "norm"), [("concat", None), ("inspire", InstanceNorm), ("ise+isa+ssba@2", None)]
)
def test_exports_with_free_sizes(dims, skip, norm):
    network = shake(make(dims, skip, norm=norm)).eval()
    free = dict.fromkeys((0, *range(2, dims + 2)), torch.export.Dim.AUTO)
    image = torch.randn(2, 3, *(32, 40, 24)[:dims])
    program = torch.export.export(network, (image,), dynamic_shapes=(free,))

    other = torch.randn(1, 3, *(37, 29, 31)[:dims])

    torch.testing.assert_close(program.module()(other), network(other), atol=1e-5, rtol=1e-5)


def test_the_plain_network_is_the_same_skeleton(dims):
    plain = {n for n in make(dims, "concat").state_dict() if "merge" not in n}
    inspire = set(make(dims, "inspire").state_dict())

    assert plain <= inspire


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"spatial_dims": 4}, "spatial_dims=4 is not a dimension; give 2 or 3"),
        ({"steps": 0}, "steps=0"),
        ({"widths": (8,)}, "give at least two widths"),
    ],
)
def test_what_makes_no_network_is_refused(arguments, words):
    options = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1, **arguments}
    with pytest.raises(ValueError, match=words):
        UNet(**options)


def test_names_of_the_state_dict_are_stable():
    names = [n for n in make(2).state_dict() if "num_batches" not in n and "running" not in n]
    level = [n for n in names if n.startswith("top_down.merges.0.")]

    first = {n for n in names if not n.startswith("passes.0.")}
    again = {n.removeprefix("passes.0.") for n in names if n.startswith("passes.0.")}
    assert {n.split(".")[0] for n in first} == {"encoder", "top_down", "feedback", "head"}
    assert {n for n in again if n.startswith("top_down.")} <= first
    assert {n.split(".")[0] for n in again} == {"stages", "top_down"}
    assert [n for n in names if n.startswith("encoder.stages.0.0.")] == [
        "encoder.stages.0.0.conv.weight",
        "encoder.stages.0.0.norm.weight",
        "encoder.stages.0.0.norm.bias",
    ]
    assert [n.removeprefix("top_down.merges.0.") for n in level] == [
        "merge.alignment.align.reduce.weight",
        "merge.alignment.align.reduce.bias",
        "merge.alignment.align.compare.weight",
        "merge.alignment.align.compare.bias",
        "merge.alignment.align.flow.weight",
        "merge.alignment.describe.weight",
        "merge.alignment.describe.bias",
        "merge.alignment.similarity.correlate.weight",
        "merge.alignment.similarity.correlate.bias",
        "convs.0.conv.weight",
        "convs.0.norm.weight",
        "convs.0.norm.bias",
        "convs.1.conv.weight",
        "convs.1.norm.weight",
        "convs.1.norm.bias",
    ]
    assert [n.removeprefix("feedback.0.") for n in names if n.startswith("feedback.0.")] == [
        "attention.linear.weight",
        "attention.linear.bias",
        "enrichment.linear.weight",
        "enrichment.linear.bias",
        "enrichment.out.weight",
        "enrichment.out.bias",
        "describe.weight",
        "describe.bias",
        "similarity.correlate.weight",
        "similarity.correlate.bias",
    ]


def test_deep_supervision_gives_its_levels_fine_to_coarse(dims):
    network = make(dims)
    image = torch.randn(1, 3, *[24] * dims)

    logits = DeepSupervision(network, 3)(image)

    assert [x.shape[-1] for x in logits] == [24, 12, 6]
    assert all(x.shape[1] == 2 for x in logits)


def test_deep_supervision_leaves_the_networks_own_logits(dims):
    network = make(dims).eval()
    image = torch.randn(1, 3, *SIZES[dims])

    assert torch.equal(DeepSupervision(network, 2)(image)[0], network(image))


@pytest.mark.parametrize(("skip", "earlier"), [("ssba", [1, 2]), ("ssba@2", [2])])
def test_earlier_passes_are_supervised_at_the_levels_they_run_through(dims, skip, earlier):
    network = shake(make(dims, skip)).eval()
    image = torch.randn(1, 3, *SIZES[dims])
    supervised = DeepSupervision(network, 2, every_pass=True)

    logits = supervised(image)

    first, last = network.pyramids(image)
    heads = {1: network.head, 2: supervised.heads[0]}
    expected = [heads[level](first[level - earlier[0]]) for level in earlier]
    assert torch.equal(logits[0], network.head(last[0]))
    assert torch.equal(logits[1], heads[2](last[1]))
    assert len(logits) == 2 + len(earlier)
    assert all(map(torch.equal, logits[2:], expected))


@pytest.mark.parametrize("skip", ["concat", "ise+ssba-light", "waiting"])
def test_there_is_one_pass_to_supervise_where_the_decoder_runs_once(dims, skip):
    network = make(dims, "inspire" if skip == "waiting" else skip)
    if skip == "waiting":
        network.hold_passes()

    logits = DeepSupervision(network, 3, every_pass=True)(torch.randn(2, 3, *SIZES[dims]))

    assert len(logits) == 3


@pytest.mark.parametrize("levels", [0, 4])
def test_deep_supervision_rejects_levels_the_network_lacks(levels):
    with pytest.raises(ValueError, match=rf"levels={levels}: the network has 3 levels; choose"):
        DeepSupervision(make(2), levels)


@pytest.mark.parametrize("skip", ["concat", "ise+isa+ssba@2", "isa-beside+ssba-light", "inspire"])
def test_a_decoder_has_widths_of_its_own(dims, skip):
    widths, image = (6, 12, 9), torch.randn(1, 3, *SIZES[dims])
    network = shake(make(dims, skip, decoder_widths=widths))

    logits = DeepSupervision(network, 3)(image)
    sum(x.square().mean() for x in logits).backward()

    assert [p.shape[1] for p in network.pyramid(image)] == list(widths)
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_the_encoders_own_widths_need_no_projection():
    named = make(2, decoder_widths=(8, 12, 16))

    assert named.state_dict().keys() == make(2).state_dict().keys()


@pytest.mark.parametrize("level", [1, 3])
def test_untouched_feedback_is_a_copy_with_widths_of_the_decoders_own(dims, level):
    network = make(dims, f"ise+isa+ssba@{level}", decoder_widths=(6, 12, 9)).eval()
    image = torch.randn(2, 3, *SIZES[dims])
    twice = network(image)

    network.hold_passes()

    torch.testing.assert_close(network(image), twice)


def test_as_many_widths_as_levels_are_needed():
    words = (
        "decoder_widths: 6, 9 are 2 numbers, but the encoder has 3 levels, of 8, 12, "
        "16 channels; give as many"
    )
    with pytest.raises(InputError, match=words):
        make(2, decoder_widths=(6, 9))


def test_an_encoder_that_is_given_has_widths_of_its_own():
    with pytest.raises(ValueError, match=r"widths: the encoder that is given has its own; leave"):
        UNet(2, 3, 1, widths=(8, 16), encoder=unet_encoder(2, 3, (8, 16)))


def test_takes_an_encoder_and_a_skip_made_elsewhere():
    stages = [nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 6, 3, 2, 1)]
    skip = Skip(lateral=leave, merge=concatenate)

    network = UNet(2, 3, 1, skip=skip, encoder=Encoder(stages, [4, 6]))

    assert network(torch.randn(1, 3, 19, 17)).shape == (1, 1, 19, 17)
