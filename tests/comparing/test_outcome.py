import json
import math
from dataclasses import replace

import pytest
from torch import nn

from inspire_med.comparing import costs
from inspire_med.comparing.costs import Size, sizes_of
from inspire_med.comparing.outcome import bring_together
from inspire_med.comparing.variants import Variant, parse_names
from inspire_med.errors import InputError
from inspire_med.reports.score_files import compared_in_short
from inspire_med.training.state import Progress

SIZES = {name: Size(1234, 5_600_000_000) for name in ("concat", "inspire", "ise")}


def finish_all(schedule, finish, dice):
    """Every job's cases get the Dice of their variant, a hundredth more with each seed."""
    for job in schedule.jobs():
        finish(job, dice[job.variant] + 0.01 * job.seed)


def test_each_cases_value_is_its_mean_over_seeds(schedule, finish):
    finish_all(schedule, finish, {"concat": 0.7, "inspire": 0.6})

    outcome = bring_together(schedule, SIZES, [])

    dice = outcome.comparison.scores.query("method == 'inspire' and measure == 'dice'")
    assert list(dice["value"].round(4)) == [0.605] * len(schedule.jobs()[0].cases)
    assert outcome.comparison.baseline == "concat"
    (test,) = [each for each in outcome.comparison.differences if each.measure == "dice"]
    assert (test.first, test.second) == ("inspire", "concat")
    assert math.isclose(test.mean, -0.1)


def test_says_when_a_network_is_not_better(schedule, finish):
    finish_all(schedule, finish, {"concat": 0.7, "inspire": 0.6})

    lines = list(compared_in_short(bring_together(schedule, SIZES, []).comparison))

    sentence = "No difference shown between inspire and concat in Dice of polyp: mean −0.100"
    assert any(line.startswith(sentence) for line in lines)
    expense = (
        "inspire: Parameters 1,234, Forward pass 5.6 GFLOPs, Step 0.25 s, Steps 4, Training 1.0"
    )
    assert any(line.startswith(expense) for line in lines)
    count = len(schedule.jobs()[0].cases)
    few = f"n = {count}: too few, the interval is too narrow"
    assert f"  polyp: Dice 0.705 [0.705, 0.705] ({few})" in lines


def test_cases_that_have_no_value_are_printed(schedule, finish):
    for job in schedule.jobs():
        finish(job, 0.5)
        scores = job.scores / "scores.csv"
        scores.write_text(scores.read_text().replace("dice,0.5", "dice,"))

    lines = list(compared_in_short(bring_together(schedule, SIZES, []).comparison))

    count = len(schedule.jobs()[0].cases)
    assert f"  polyp: Dice – (n = 0, {count} undefined)" in lines


def test_it_is_said_in_how_many_seeds_the_sign_is_that_of_the_mean(schedule, finish):
    gains = {("inspire", 0): 0.2, ("inspire", 1): -0.1}
    for job in schedule.jobs():
        finish(job, 0.5 + gains.get((job.variant, job.seed), 0.0))

    outcome = bring_together(schedule, SIZES, [])

    said = " ".join(compared_in_short(outcome.comparison))
    assert "with this sign in 1 of 2 seeds." in said
    assert "better" not in said
    assert outcome.to_json()["findings"] == outcome.comparison.findings
    (dice,) = [e for e in outcome.to_json()["differences"] if e["measure"] == "dice"]
    assert (dice["seeds"], dice["seeds_alike"]) == (2, 1)


def test_cases_of_one_patient_are_said_not_to_be_independent(schedule, finish):
    finish_all(schedule, finish, {"concat": 0.7, "inspire": 0.6})
    alike = tuple(replace(case, patient="one") for case in schedule.manifest.cases)
    shared = replace(schedule, manifest=replace(schedule.manifest, cases=alike))

    def told(schedule):
        notes = bring_together(schedule, SIZES, []).comparison.notes
        return [note for note in notes if "patient" in note]

    assert told(schedule) == []
    (note,) = told(shared)
    count = len(schedule.jobs()[0].cases)
    assert note.startswith(f"{count} cases of 1 patient (or video): intervals and tests take")


def test_the_json_holds_costs_seeds_and_tests(schedule, finish):
    finish_all(schedule, finish, {"concat": 0.7, "inspire": 0.6})

    content = json.loads(json.dumps(bring_together(schedule, SIZES, []).to_json(), allow_nan=False))

    assert content["costs"]["inspire"] == {
        "parameters": 1234,
        "forward_flops": 5_600_000_000,
        "steps": 4,
        "training_s": 60.0,
        "step_s": 0.25,  # the median of 0.1, 0.2, 0.3, 0.4
        "memory_gib": 1.5,  # the highest of 0.5 and 1.5
        "inference_s": 0.25,
    }
    seeds = content["seeds"]["concat"]["polyp"]["dice"]
    assert {key: round(value, 6) for key, value in seeds["by_seed"].items()} == {
        "0": 0.7,
        "1": 0.71,
    }
    assert math.isclose(seeds["sd"], 0.01 / math.sqrt(2))
    assert content["baseline"] == "concat"
    assert content["summary"]["concat"]["polyp"]["max_dice"]["mean"] == pytest.approx(0.805)
    assert content["provenance"]["Seeds"] == "0, 1"
    assert content["provenance"]["Budget of each training"] == "4 steps"


def test_what_the_variants_of_a_file_change_is_told(schedule, finish, tmp_path):
    file = tmp_path / "v.yaml"
    wide = Variant("wide", {"network.widths": (8, 16), "optimizer.lr": 0.5}, file)
    schedule = replace(
        schedule, variants=(replace(schedule.variants[0], options={}, file=file), wide)
    )
    finish_all(schedule, finish, {"concat": 0.7, "wide": 0.6})

    facts = bring_together(schedule, {**SIZES, "wide": SIZES["ise"]}, []).comparison.facts

    assert facts["concat"]["Options"] == "none of its own"
    assert facts["wide"]["Options"] == "network.widths [8, 16]; optimizer.lr 0.5"


def test_undefined_values_stay_out_of_the_json(schedule, finish):
    for job in schedule.jobs():
        finish(job, 0.5, hd95="" if job.seed else "2.0")

    content = json.loads(json.dumps(bring_together(schedule, SIZES, []).to_json(), allow_nan=False))

    summary = content["summary"]["concat"]["polyp"]["hd95_mm"]
    assert (summary["mean"], summary["n_undefined"]) == (None, len(schedule.jobs()[0].cases))
    assert content["seeds"]["concat"]["polyp"]["hd95_mm"]["by_seed"] == {"0": 2.0, "1": None}


def test_flat_images_are_measured_in_pixels(schedule, finish):
    finish_all(schedule, finish, {"concat": 0.7, "inspire": 0.6})

    assert bring_together(schedule, SIZES, []).comparison.measures["hd95_mm"].unit == "px"


def test_one_seed_is_said_to_be_one(schedule, finish):
    single = replace(schedule, seeds=(0,))
    finish_all(single, finish, {"concat": 0.7, "inspire": 0.6})

    found = bring_together(single, SIZES, []).comparison

    assert found.notes[0].startswith("One training each, with seed 0: ")
    assert all("one training each" in each for each in found.findings)


def test_a_network_with_a_failed_training_is_left_out_and_named(schedule, finish):
    wider = replace(schedule, variants=parse_names("concat,ise,inspire"))
    for job in wider.jobs():
        if job.name != "ise/seed1":
            finish(job, 0.5)

    outcome = bring_together(wider, SIZES, ["ise/seed1: train failed"])

    assert outcome.comparison.methods == ["concat", "inspire"]
    notes = outcome.comparison.notes
    assert "Failed: ise/seed1: train failed" in notes
    assert "Left out, not all of their trainings being done: ise." in notes


@pytest.mark.parametrize("lost", ["concat/seed1", "inspire/seed0"])
def test_refuses_to_compare_without_the_baseline_or_with_nothing(schedule, finish, lost):
    for job in schedule.jobs():
        if job.name != lost:
            finish(job, 0.5)

    with pytest.raises(
        InputError, match=f"nothing to compare yet, 1 job failed, first {lost}: why;"
    ):
        bring_together(schedule, SIZES, [f"{lost}: why"])


def test_a_checkpoint_chosen_on_the_scored_cases_is_said(schedule, finish):
    finish_all(schedule, finish, {"concat": 0.7, "inspire": 0.6})
    often = replace(schedule, config=replace(schedule.config, validations=5))

    def told(comparison):
        return any("the best of 5 checkpoints" in note for note in comparison.notes)

    assert not told(bring_together(schedule, SIZES, []).comparison)
    for job in often.jobs():
        finish(job, 0.5, validations=5)
    assert told(bring_together(often, SIZES, []).comparison)


def test_a_longer_budget_is_said(schedule, finish, trained):
    finish_all(schedule, finish, {"concat": 0.7, "inspire": 0.6})
    run = schedule.jobs()[1].run
    trained[run] = Progress(step=6, elapsed_s=60.0, validations=1, extra_steps=2)

    notes = bring_together(schedule, SIZES, []).comparison.notes

    assert "inspire/seed0 was extended: its budget is larger than the others'." in notes


def test_a_model_that_has_seen_what_is_scored_is_said(schedule, finish):
    finish_all(schedule, finish, {"concat": 0.7, "inspire": 0.6})
    hashes = [schedule.manifest.hash, "another"]
    for job, trained_on in zip(schedule.jobs(), hashes, strict=False):
        record = json.loads((job.run / "run.json").read_text())
        begun = {"model": "runs/old", "sha256": "0", "trained_on": trained_on, "fold": 1}
        (job.run / "run.json").write_text(json.dumps({**record, "init": begun}))

    notes = bring_together(schedule, SIZES, []).comparison.notes

    (note,) = (note for note in notes if note.startswith("A leak"))
    assert note.startswith("A leak, allowed by name: concat/seed0 began with runs/old, which has")


def test_sizes_are_those_of_the_networks(schedule):
    sizes = sizes_of(schedule)

    # The plain U-Net of widths 4 and 8 on 32 x 32, by hand. Convolutions of 3 x 3, no bias: 3 to
    # 4 and 4 to 4 at 32², 4 to 8 and 8 to 8 at 16², 8 to 4 and 4 to 4 at 32². Of 1 x 1: 8 to 4 at
    # 16² before the merge and 4 to 1 at 32² at the end.
    multiplications = 9 * (1024 * (12 + 16) + 256 * (32 + 64) + 1024 * (32 + 16))
    multiplications += 256 * 32 + 1024 * 4
    norms, pointwise = 2 * (4 + 4 + 8 + 8 + 4 + 4), (32 + 4) + (4 + 1)
    assert sizes["concat"].forward_flops == 2 * multiplications
    assert sizes["concat"].parameters == 9 * (12 + 16 + 32 + 64 + 32 + 16) + norms + pointwise
    assert sizes["inspire"].forward_flops > sizes["concat"].forward_flops


def test_names_the_variant_that_no_network_can_be_built_of(schedule, tmp_path):
    odd = Variant("odd", {"network.skip": "ise+xyz"}, tmp_path / "v.yaml")

    with pytest.raises(InputError, match=r"v.yaml: variant odd: .*ise\+xyz"):
        sizes_of(replace(schedule, variants=(*schedule.variants, odd)))


def test_names_the_variant_that_has_fewer_levels_than_are_supervised(schedule, tmp_path):
    odd = Variant("odd", {"network.deep_supervision": 3}, tmp_path / "v.yaml")

    with pytest.raises(InputError, match=r"v.yaml: variant odd: .*: 3 is more than the .* 2 level"):
        sizes_of(replace(schedule, variants=(*schedule.variants, odd)))


def test_refuses_a_network_that_does_not_take_the_patch(schedule, monkeypatch):
    class Picky(nn.Module):
        def forward(self, image):
            raise RuntimeError("too small\nand more")

    monkeypatch.setattr(costs, "build_network", lambda description: Picky())

    with pytest.raises(
        InputError, match=r"training patch of 32 x 32 \(too small\); choose another"
    ):
        sizes_of(schedule)
