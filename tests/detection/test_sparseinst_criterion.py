import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from inspire_med.detection.sparseinst.criterion import SparseInstCriterion
from inspire_med.detection.sparseinst.decoder import Prediction
from inspire_med.detection.sparseinst.losses import dice, focal_loss, mask_iou, pairwise_dice
from inspire_med.detection.sparseinst.matching import DiceMatcher

MATCHER = {"type": "DiceMatcher"}


def logit(p):
    return math.log(p / (1 - p))


def prediction(batch, masks=4, classes=3, size=(6, 5)):
    logits = torch.randn(batch, masks, classes), torch.randn(batch, masks, *size)
    return Prediction(*(x.requires_grad_() for x in (*logits, torch.randn(batch, masks, 1))))


def objects(count, classes=3, size=(6, 5)):
    return torch.randint(classes, (count,)), torch.rand(count, *size)


def test_focal_loss_by_hand():
    logits = torch.tensor([[logit(0.5), logit(0.9)], [logit(0.2), logit(0.1)]])
    targets = torch.tensor([[1.0, 0.0], [1.0, 0.0]])

    expected = (
        0.25 * 0.5**2 * -math.log(0.5)
        + 0.75 * 0.9**2 * -math.log(0.1)
        + 0.25 * 0.8**2 * -math.log(0.2)
        + 0.75 * 0.1**2 * -math.log(0.9)
    )
    assert focal_loss(logits, targets).item() == pytest.approx(expected, rel=1e-5)


def test_focal_loss_has_its_gradient():
    logits = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    targets = torch.randint(2, (3, 4)).double()

    assert torch.autograd.gradcheck(lambda x: focal_loss(x, targets), logits)


def test_focal_loss_of_huge_logits_is_finite():
    logits = torch.tensor([200.0, -200.0], requires_grad=True)

    loss = focal_loss(logits, torch.tensor([0.0, 1.0]))
    loss.backward()

    assert loss.item() == pytest.approx(0.75 * 200 + 0.25 * 200)
    assert logits.grad.isfinite().all()


def test_dice_by_hand():
    # s = [.5, .9], t = [1, 0]: 2 * .5 / (.25 + .81 + 1).
    s, t = torch.tensor([[[logit(0.5), logit(0.9)]]]), torch.tensor([[[1.0, 0.0]]])

    assert dice(s, t).item() == pytest.approx(1 / 2.0601, rel=1e-5)
    assert pairwise_dice(s, t).item() == pytest.approx(1 / 2.0601, rel=1e-5)


def test_dice_of_every_pair_is_the_dice_of_each():
    masks, targets = torch.randn(4, 6, 5), torch.rand(3, 6, 5)

    every = pairwise_dice(masks, targets)

    for (i, mask), (j, target) in itertools.product(enumerate(masks), enumerate(targets)):
        torch.testing.assert_close(every[i, j], dice(mask[None], target[None])[0])


def test_iou_binarises_the_mask_at_four_tenths_and_the_object_above_a_half():
    # The mask has the first three pixels, the object the first and the last: 1 of 4.
    mask = torch.tensor([[[logit(0.9), logit(0.41), logit(0.5), logit(0.39)]]])
    target = torch.tensor([[[0.51, 0.5, 0.2, 1.0]]])

    assert mask_iou(mask.requires_grad_(), target).item() == pytest.approx(1 / 4, abs=1e-5)
    assert not mask_iou(mask, target).requires_grad
    assert mask_iou(torch.full((1, 2, 2), -9.0), torch.zeros(1, 2, 2)).tolist() == [0]


@pytest.mark.parametrize(("masks", "count"), [(4, 3), (3, 4), (4, 4), (5, 1), (1, 3)])
def test_matches_as_brute_force_does(masks, count):
    for _ in range(5):
        classes, logits, _ = (x[0].detach() for x in prediction(1, masks))
        labels, targets = objects(count)
        scores = torch.tensor(
            [
                [
                    dice(logits[i : i + 1], targets[j : j + 1]).item() ** 0.8
                    * torch.sigmoid(classes[i, labels[j]]).item() ** 0.2
                    for j in range(count)
                ]
                for i in range(masks)
            ]
        )
        wide = scores if masks <= count else scores.T
        best = max(
            sum(wide[row, column] for row, column in enumerate(columns))
            for columns in itertools.permutations(range(wide.shape[1]), wide.shape[0])
        )

        match = DiceMatcher().match(classes, logits, labels, targets)

        assert len(match.masks) == len(match.objects) == min(masks, count)
        assert len(set(match.masks.tolist())) == len(set(match.objects.tolist())) == len(wide)
        torch.testing.assert_close(scores[match].sum(), torch.as_tensor(best))


def test_matching_prefers_the_mask_over_the_class():
    # Mask 0 fits the object with a wrong class, mask 1 the other way round.
    target = torch.zeros(1, 4, 4)
    target[0, :2] = 1
    masks = torch.stack([target[0], 1 - target[0]]) * 20 - 10
    classes = torch.tensor([[logit(0.1)], [logit(0.9)]])

    match = DiceMatcher().match(classes, masks, torch.tensor([0]), target)

    assert match.masks.tolist() == [0]


def test_matching_nothing_gives_empty_integers():
    labels, targets = objects(0)

    match = DiceMatcher().match(torch.randn(4, 3), torch.randn(4, 6, 5), labels, targets)

    assert [tuple(x.shape) for x in match] == [(0,), (0,)]
    assert [x.dtype for x in match] == [torch.int64, torch.int64]


def test_matching_survives_an_overflow():
    masks = torch.full((4, 6, 5), float("nan"))

    match = DiceMatcher().match(torch.randn(4, 3), masks, *objects(2))

    assert len(match.masks) == 2


def by_loops(found, labels, targets):
    """Compute the losses image by image and pair by pair, without any joining of images."""
    matcher, total = DiceMatcher(), max(1, sum(map(len, labels)))
    focal, dices, pixels, ious = 0.0, 0.0, [], []
    for i, (label, target) in enumerate(zip(labels, targets, strict=True)):
        match = matcher.match(found.classes[i], found.masks[i], label, target)
        truth = torch.zeros_like(found.classes[i])
        for n, k in zip(*match, strict=True):
            truth[n, label[k]] = 1
            mask, one = found.masks[i, n], target[k]
            dices += 1 - dice(mask[None], one[None])[0]
            pixels.append(F.binary_cross_entropy_with_logits(mask, one))
            iou = mask_iou(mask[None], one[None])[0]
            ious.append(F.binary_cross_entropy_with_logits(found.objectness[i, n, 0], iou))
        focal += focal_loss(found.classes[i], truth)
    return {
        "loss_cls": 2 * focal / total,
        "loss_dice": 2 * dices / total,
        "loss_mask": 5 * torch.stack(pixels).mean(),
        "loss_objectness": torch.stack(ious).mean(),
    }


@pytest.mark.parametrize("counts", [(2, 0, 3), (3, 1), (1,), (0, 2), (7, 2)])
def test_joins_images_without_mixing_them(counts):
    # Seven objects are more than the four masks: all count, four are matched.
    found = prediction(len(counts))
    labels, targets = zip(*map(objects, counts), strict=True)

    losses = SparseInstCriterion(MATCHER)(found, labels, targets)

    for name, expected in by_loops(found, labels, targets).items():
        torch.testing.assert_close(losses[name], expected, msg=name)


def test_a_batch_without_objects_trains_the_classes_alone():
    found = prediction(2)
    labels, targets = zip(*map(objects, (0, 0)), strict=True)

    losses = SparseInstCriterion(MATCHER)(found, labels, targets)
    sum(losses.values()).backward()

    nothing = focal_loss(found.classes, torch.zeros_like(found.classes))
    torch.testing.assert_close(losses["loss_cls"], 2 * nothing)
    assert [losses[name].item() for name in ("loss_dice", "loss_mask", "loss_objectness")] == [
        0
    ] * 3
    assert found.classes.grad.any()
    assert not found.masks.grad.any()
    assert not found.objectness.grad.any()


def test_weights_are_the_published_ones():
    assert SparseInstCriterion(MATCHER).weights == {
        "loss_cls": 2,
        "loss_dice": 2,
        "loss_mask": 5,
        "loss_objectness": 1,
    }


def test_perfect_masks_cost_nothing():
    target = torch.zeros(2, 8, 8)
    target[0, :4], target[1, 5:, 2:] = 1, 1
    found = Prediction(
        torch.tensor([[[-30.0, 30.0], [30.0, -30.0], [-30.0, -30.0]]]),
        torch.stack([target[1], target[0], 1 - target[0]])[None] * 60 - 30,
        torch.full((1, 3, 1), 30.0),
    )

    losses = SparseInstCriterion(MATCHER)(found, [torch.tensor([0, 1])], [target])

    assert sum(losses.values()).item() < 1e-4


def test_objects_are_averaged_over_processes(on_ranks):
    counts = (3, 1)  # each process divides by two

    def losses(rank, world):
        torch.manual_seed(rank)
        found = prediction(1)
        label, target = objects(counts[rank])
        joint = SparseInstCriterion(MATCHER)(found, [label], [target])["loss_dice"]
        return joint.item(), by_loops(found, [label], [target])["loss_dice"].item()

    for count, (joint, alone) in zip(counts, on_ranks(2, losses), strict=True):
        assert joint == pytest.approx(alone * count / 2, rel=1e-5)
