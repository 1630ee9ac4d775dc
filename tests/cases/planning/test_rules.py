import math
from dataclasses import replace

import pytest

from inspire_med.cases.planning.fitting import fitted
from inspire_med.cases.planning.means import Need
from inspire_med.cases.planning.plan import OPTIONS
from inspire_med.cases.planning.rules import draft
from inspire_med.cases.planning.sizes import median_shape
from inspire_med.errors import InputError

BRAIN = ((1.0, 1.0, 1.0), (138, 170, 138))
PROSTATE = ((0.6, 0.6, 5.0), (320, 320, 20))


def planned(fingerprint, means, need, given=None, intensity="mri"):
    first = draft(fingerprint, intensity, means, given)
    return fitted(first, fingerprint, means, need, given)


def test_a_brain_at_one_millimetre(fingerprint, means, line):
    # 2 x 112 x 128 x 128 voxels of 2000 bytes are 6.8 GiB; 128 x 128 x 128 would be 7.8 + 0.5.
    plan = planned(fingerprint(*BRAIN, cases=100), means(8.0), line())

    assert plan.spacing_mm == (1.0, 1.0, 1.0)
    assert plan.patch_size == (112, 128, 128)
    assert plan.batch_size == 2
    assert plan.strides == ((2, 2, 2),) * 4 + ((1, 2, 2),)  # 112 56 28 14 7
    assert plan.widths == (32, 64, 128, 256, 320, 320)
    assert (plan.norm, plan.deep_supervision, plan.stem_stride) == ("batch", 3, 1)


def test_a_prostate_keeps_its_slices_until_the_plane_meets(fingerprint, means, line):
    plan = planned(fingerprint(*PROSTATE, cases=30), means(8.0), line(500))

    assert plan.spacing_mm == (0.6, 0.6, 5.0)
    assert plan.patch_size == (320, 320, 20)
    assert [step[2] for step in plan.strides] == [1, 1, 1, 2, 2, 1]
    assert plan.kernel_sizes[:3] == ((3, 3, 1),) * 3
    assert "waiting" in plan.reasons["strides"]


def test_thick_slices_go_by_the_tenth_percentile(fingerprint, means):
    # The tenth of 3, 4, 5, 6, 7 is 3 + 0.4 x 1.
    spacings = tuple((0.6, 0.6, float(slices)) for slices in (3, 4, 5, 6, 7))
    shapes = ((320, 320, 20),) * 5

    assert draft(fingerprint(spacings, shapes), "mri", means()).spacing_mm == (0.6, 0.6, 3.4)


def test_slices_come_no_closer_than_the_plane_is_fine(fingerprint, means):
    spacings = ((0.6, 0.6, 0.3), (0.6, 0.6, 5.0), (0.6, 0.6, 5.0), (0.6, 0.6, 5.0))
    shapes = ((320, 320, 20),) * 4

    spacing = draft(fingerprint(spacings, shapes), "mri", means()).spacing_mm

    assert spacing == (0.6, 0.6, pytest.approx(1.71))  # 0.3 + 0.3 x 4.7
    spacings = ((0.6, 0.6, 0.3),) * 2 + spacings[1:]
    assert draft(fingerprint(spacings, shapes + shapes[:1]), "mri", means()).spacing_mm[2] == 0.6


def test_thick_slices_of_which_there_are_many_go_by_the_median(fingerprint, means):
    spacings = tuple((0.6, 0.6, float(slices)) for slices in (3, 4, 5, 6, 7))

    found = draft(fingerprint(spacings, ((320, 320, 200),) * 5), "mri", means())

    assert found.spacing_mm == (0.6, 0.6, 5.0)


def test_the_median_shape_is_that_of_the_resampled_cases(fingerprint):
    found = fingerprint(((1.0, 1.0, 1.0), (2.0, 2.0, 2.0)), ((100, 80, 60), (50, 40, 20)))

    assert median_shape(found, (1.0, 1.0, 1.0)) == (100, 80, 50)


def test_tiny_volumes_are_seen_whole(fingerprint, means, line):
    plan = planned(fingerprint((1.0, 1.0, 1.0), (9, 9, 5), cases=40), means(), line())

    assert plan.patch_size == (10, 10, 5)
    assert plan.widths == (32, 64)
    assert plan.deep_supervision == 2
    assert plan.batch_size == 2  # more than two of 40 would be more than a twentieth


def test_one_case_makes_a_plan(fingerprint, means, line):
    plan = planned(fingerprint(*BRAIN), means(60.0), line())

    assert (plan.patch_size, plan.batch_size) == ((160, 192, 160), 2)


def test_a_huge_volume_keeps_the_proportions_of_a_cube(fingerprint, means, line):
    plan = planned(fingerprint((1.0, 1.0, 1.0), (900, 900, 2000), cases=50), means(8.0), line())

    assert math.prod(plan.patch_size) * 2 * 2000 / 2**30 + 0.5 <= 8.0
    assert all(edge % 16 == 0 for edge in plan.patch_size)
    # What covers most of the median shape gets shorter first, so the long axis stays the longest.
    assert plan.patch_size == (96, 96, 192)  # 112 x 96 x 192 would be 8.2 GiB


def test_memory_that_is_left_is_for_more_samples_up_to_a_twentieth_of_the_fold(
    fingerprint, means, line
):
    small = fingerprint((1.0, 1.0, 1.0), (64, 64, 64), cases=70)  # a twentieth is 3.5

    assert planned(small, means(100.0), line()).batch_size == 3
    # 0.5 + b x 0.49 GiB
    assert planned(replace(small, cases=700), means(3.0), line()).batch_size == 5


def test_pictures_have_a_size_and_are_seen_whole(fingerprint, means, line):
    pictures = fingerprint((1.0, 1.0), (530, 620), cases=880)

    plan = planned(pictures, means(8.0), line(), intensity="rgb")

    # 473 x 554 voxels are 512 x 512 in these proportions; then multiples of 32.
    assert plan.image_size == (480, 576)
    assert (plan.patch_size, plan.spacing_mm) == (None, None)
    assert plan.strides == ((2, 2),) * 5
    assert plan.batch_size == 14  # 0.5 + 14 x 0.515 GiB
    assert plan.intensity == "rgb"


def test_pictures_on_a_few_cores_are_smaller_and_begin_at_half_their_grid(fingerprint, means, line):
    pictures = fingerprint((1.0, 1.0), (530, 620), cases=880)

    plan = planned(pictures, means(4.0, 3.0, gpu=False), line(2000, step_s=3.0 / (8 * 352 * 416)))

    assert plan.stem_stride == 2
    assert plan.widths == (24, 48, 96, 192, 256, 256)
    assert math.prod(plan.image_size) <= 352 * 416
    assert plan.batch_size == 8


def test_a_step_that_is_too_slow_makes_the_patch_smaller(fingerprint, means, line):
    slow = line(0.0, step_s=3.0 / (2 * 64**3))

    plan = planned(fingerprint(*BRAIN, cases=100), means(8.0, 3.0, gpu=False), slow)

    assert math.prod(plan.patch_size) <= 64**3
    assert plan.batch_size == 2


def test_time_alone_makes_no_patch_smaller_than_makes_sense(fingerprint, means, line):
    plan = planned(fingerprint(*BRAIN, cases=100), means(8.0, 1e-6, gpu=False), line(0.0, 1.0))

    assert plan.patch_size == (48, 48, 48)
    assert "no smaller makes sense" in plan.reasons["patch_size"]


def test_says_when_the_smallest_patch_finds_no_room(fingerprint, means, line):
    sentence = "--plan: 2 samples of 48 x 48 x 48 voxels take about 0.9 GiB, and there are 0.6 of"

    with pytest.raises(InputError, match=sentence):
        planned(fingerprint(*BRAIN, cases=100), means(0.6), line())


@pytest.mark.parametrize("shape", [BRAIN, PROSTATE, ((1.25, 1.25, 1.37), (320, 320, 115))])
@pytest.mark.parametrize("gib", [3.0, 8.0, 24.0, 80.0])
def test_half_the_memory_never_gives_a_larger_patch_or_batch(fingerprint, means, line, shape, gib):
    found = fingerprint(*shape, cases=400)

    whole, half = (planned(found, means(part), line()) for part in (gib, gib / 2))

    assert math.prod(half.patch_size) <= math.prod(whole.patch_size)
    assert half.batch_size <= whole.batch_size
    assert line()(half).memory_gib <= gib / 2


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 2, 0)])
def test_axes_in_another_order_give_the_same_plan_in_that_order(fingerprint, means, line, order):
    spacing, shape = (0.7, 1.5, 5.0), (300, 130, 22)

    def turned(values):
        return tuple(values[axis] for axis in order)

    own = planned(fingerprint(spacing, shape, cases=60), means(), line())
    other = planned(fingerprint(turned(spacing), turned(shape), cases=60), means(), line())

    assert other.spacing_mm == turned(own.spacing_mm)
    assert other.patch_size == turned(own.patch_size)
    assert other.strides == tuple(map(turned, own.strides))
    assert other.kernel_sizes == tuple(map(turned, own.kernel_sizes))
    assert (other.widths, other.batch_size) == (own.widths, own.batch_size)


def test_every_field_has_a_reason(fingerprint, means, line):
    for shape in (BRAIN, PROSTATE, ((1.0, 1.0), (300, 300))):
        plan = planned(fingerprint(*shape, cases=30), means(), line())

        assert set(plan.reasons) == set(OPTIONS)
        assert all(plan.reasons.values())


@pytest.mark.parametrize(
    "given",
    [
        {"patch_size": (64, 64, 32)},
        {"batch_size": 5},
        {"widths": (8, 16, 32)},
        {"strides": ((1, 2, 2), (2, 2, 2))},
        {"spacing_mm": (2.0, 2.0, 2.0)},
        {"norm": "instance", "deep_supervision": 1, "augment": "none"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_what_is_asked_for_stays_and_the_rest_goes_by_it(fingerprint, means, line, given):
    plan = planned(fingerprint(*BRAIN, cases=100), means(60.0), line(), given)

    for name, value in given.items():
        assert getattr(plan, name) == value
        assert plan.reasons[name] == f"as asked for ({OPTIONS[name]})"
    assert len(plan.strides) == len(plan.widths) - 1 == len(plan.kernel_sizes) - 1


def test_a_patch_that_is_asked_for_has_its_own_levels(fingerprint, means, line):
    plan = planned(fingerprint(*BRAIN), means(), line(), {"patch_size": (32, 32, 8)})

    assert plan.strides == ((2, 2, 2), (2, 2, 1), (2, 2, 1))


@pytest.mark.parametrize(
    ("shape", "cases", "strength"),
    [
        ((100, 100, 100), 99, "strong"),
        ((100, 100, 100), 100, "usual"),
        ((100, 100), 499, "strong"),
        ((100, 100), 500, "usual"),
    ],
)
def test_few_cases_are_varied_strongly(fingerprint, means, shape, cases, strength):
    plan = draft(fingerprint((1.0,) * len(shape), shape, cases=cases), "mri", means())

    assert plan.augment == strength
    assert plan.reasons["augment"].startswith(f"{cases} cases, where fewer than ")


def test_several_processes_have_a_sample_each(fingerprint, means, line):
    plan = draft(fingerprint(*BRAIN), "mri", means(processes=4))

    assert (plan.batch_size, plan.norm) == (4, "instance")


def test_values_that_only_ct_has_are_told_of(fingerprint, means):
    scans = fingerprint(*BRAIN, darkest=-1000.0)

    assert "values such as -1000" in draft(scans, "mri", means()).reasons["intensity"]
    assert draft(scans, "ct", means()).reasons["intensity"] == "the task's own"


def test_needs_fit_both_room_and_time(means):
    assert Need(8.0, 3.0).fits(means(8.0, 3.0))
    assert not Need(8.1, 3.0).fits(means(8.0, 3.0))
    assert not Need(8.0, 3.1).fits(means(8.0, 3.0))
    assert Need(8.0, 99.0).fits(means(8.0))
