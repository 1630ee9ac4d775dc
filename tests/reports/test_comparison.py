import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from html_reader import Reader

from inspire_med.errors import InputError
from inspire_med.evaluation.measures.measure import MEASURES, Measure
from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.scores import summarise_scores
from inspire_med.evaluation.statistics.paired import PAIRED_POLICY, compare_methods
from inspire_med.evaluation.statistics.ranking import RANKING_POLICY
from inspire_med.evaluation.statistics.summary import SUMMARY_POLICY
from inspire_med.reports.comparison import (
    Comparison,
    comparison_html,
    comparison_json,
)
from inspire_med.reports.findings import effect_text, findings, p_text, sentence, signed, winner

RULES = protocol("segmentation")
DICE, HD95, VOLUME = (MEASURES[name] for name in ("dice", "hd95_mm", "volume_difference_ml"))


SVG_TITLE = "{http://www.w3.org/2000/svg}title"
COLUMNS = ["method", "case", "region", "measure", "value"]


def scores(gains, *, cases=12, regions=("WT", "<ET>")):
    """Dice and HD95 of methods that are better than a common start by so much."""
    random = np.random.default_rng(0)
    start = {region: random.uniform(0.4, 0.8, cases) for region in regions}
    rows = []
    for method, gain in gains.items():
        for region in regions:
            dice = start[region] + gain + random.normal(0, 0.01, cases)
            distance = 20 * (1 - dice)
            if region == regions[-1]:
                distance[0] = math.inf if gain == 0 else distance[0]
            for name, values in (("dice", dice), ("hd95_mm", distance)):
                rows += [(method, f"case{at}", region, name, v) for at, v in enumerate(values)]
    return pd.DataFrame(rows, columns=COLUMNS)


def summaries(scores):
    return {name: summarise_scores(rows) for name, rows in scores.groupby("method", sort=False)}


def comparison(gains, *, measures=MEASURES, cases=12, regions=("WT", "<ET>"), **said):
    made = scores(gains, cases=cases, regions=regions)
    return Comparison(RULES, measures, made, summaries(made), **said)


def read(compared):
    reader = Reader(comparison_html(compared))
    reader.text = " ".join(reader.text.split())
    return reader


def one(measure, first, second):
    """What is said of two lists of values."""
    return sentence(difference(measure, first, second), measure).replace("\xa0", " ")


def difference(measure, first, second):
    """The only one of two lists of values."""
    (name,) = (name for name, each in MEASURES.items() if each == measure)
    made = [
        (method, f"c{at:03}", "WT", name, value)
        for method, values in (("A", first), ("B", second))
        for at, value in enumerate(values)
    ]
    (found,) = compare_methods(pd.DataFrame(made, columns=COLUMNS), {name: measure})
    return found


# sentences


def test_a_winner_is_named_with_difference_interval_and_p():
    found = one(DICE, [0.5 + at / 100 for at in range(8)], [0.4] * 8)

    # differences 0.10 to 0.17; eight signs alike: p = 2 / 256
    assert found.startswith("A is better than B in Dice of WT by 0.135 (95 % CI 0.1")
    assert found.endswith("), p 0.00781 after Holm, one set of predictions each.")


def test_the_second_can_win_and_the_interval_is_turned_to_its_side():
    found = one(DICE, [0.4] * 8, [0.5 + at / 100 for at in range(8)])

    assert found.startswith("B is better than A in Dice of WT by 0.135 (95 % CI 0.1")


def test_a_shorter_distance_wins_with_its_unit():
    found = one(HD95, [2.0, 3.0] * 5, [4.0, 5.0] * 5)

    assert found == (
        "A is better than B in HD95 of WT by 2.00 mm (95 % CI 2.00 to 2.00), p 0.00195 after Holm, "
        "one set of predictions each."
    )


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        (10, "0.50)"),
        (9, "0.50; n = 9: too few, the interval is too narrow)"),
        (2, "0.50; n = 2: too few, the interval is too narrow)"),
        (1, "mean −0.50 mm (n = 1: too few)"),
    ],
)
def test_few_cases_are_said_beside_the_interval(cases, said):
    assert said in one(HD95, [2.0] * cases, [2.5] * cases)


def test_signed_volumes_are_said_to_be_compared_by_size():
    assert "in absolute volume difference of WT by 2.00 ml" in one(VOLUME, [-1.0] * 8, [3.0] * 8)


def test_no_difference_is_said_as_plainly():
    found = one(DICE, [0.5, 0.7, 0.5, 0.7], [0.6, 0.6, 0.6, 0.6])

    assert found.startswith("No difference shown between A and B in Dice of WT: mean 0.000 (95 %")
    assert found.endswith(
        "p 1 after Holm, one set of predictions each. They differ in 4 of 4 cases, too few for p "
        "after Holm to fall under 0.05."
    )


def test_a_lacking_value_is_said_to_count_against_its_method():
    found = one(HD95, [2.0] * 4, [2.0, math.inf, math.inf, 2.0])

    assert "They differ in 2 of 4 cases, too few" in found
    assert found.endswith("2 cases undefined for B alone count against it.")


@pytest.mark.parametrize(("last", "best"), [((0.0, 0.9), None), ((0.51, 0.5), "A")])
def test_the_better_one_is_better_by_the_mean_too(last, best):
    first, second = last

    found = difference(DICE, [0.51] * 19 + [first], [0.5] * 19 + [second])

    assert winner(found, DICE) == best


def test_ranks_and_mean_that_disagree_are_said_to():
    # A is a little better nineteen times, and once much worse
    found = one(DICE, [0.51] * 19 + [0.0], [0.5] * 19 + [0.9])

    assert found == (
        "Signed ranks favour A over B in Dice of WT (p < 0.001 after Holm), but the mean does not, "
        "where it is worse by 0.035, one set of predictions each: look at the cases."
    )


def test_ranks_without_a_difference_of_means_name_no_winner():
    found = one(DICE, [0.5 + 1 / 64] * 14 + [0.5 - 14 / 64], [0.5] * 15)

    assert "Signed ranks favour A over B" in found
    assert "the mean does not, where they are equal" in found


def test_wins_without_any_common_value_have_no_mean():
    found = one(HD95, [2.0] * 8, [math.inf] * 8)

    assert "A is better than B in HD95 of WT" in found
    assert "no case has a value of both" in found


def test_nothing_to_compare_is_said():
    assert one(HD95, [math.nan], [math.nan]) == (
        "A and B cannot be compared in HD95 of WT: no case has a value."
    )


@pytest.mark.parametrize(("cases", "few"), [(6, True), (7, False)])
def test_cases_too_few_for_their_number_of_tests_are_said_to_be(cases, few):
    # two regions: 2 x 2 / 2^6 is above 0.05, 2 x 2 / 2^7 below
    found = findings(comparison({"A": 0.0, "B": 0.2}, cases=cases).differences, MEASURES)

    said = "They differ in 6 of 6 cases, too few for p after Holm to fall under 0.05."
    assert " ".join(found).count(said) == (2 if few else 0)
    assert " ".join(found).count("No difference shown") == (2 if few else 0)


def test_a_difference_that_more_cases_could_not_have_hidden_goes_without_a_caveat():
    assert "too few" not in one(DICE, [0.5, 0.7] * 5, [0.6, 0.6] * 5)


def by_seed(made, *, alike, turned):
    """So many seeds with the scores as they are, and so many with those of A and B exchanged."""
    exchanged = made.scores.replace({"method": {"A": "B", "B": "A"}})
    tables = [made.scores] * alike + [exchanged] * turned
    return replace(
        made, by_seed=pd.concat(each.assign(seed=seed) for seed, each in enumerate(tables))
    )


@pytest.mark.parametrize(("alike", "turned"), [(2, 1), (1, 1), (0, 3)])
def test_no_method_is_called_better_where_seeds_disagree(alike, turned):
    made = by_seed(comparison({"A": 0.0, "B": 0.2}), alike=alike, turned=turned)

    content, text = comparison_json(made), read(made).text

    assert len(made.findings) == 2
    assert content["findings"] == made.findings
    assert not any("better" in each for each in made.findings)
    assert all(" ".join(each.split()) in text for each in made.findings)
    assert [each["better"] for each in content["differences"]] == [None] * 4
    assert 'class="gain"' not in comparison_html(made)
    assert 'class="loss"' not in comparison_html(made)


def test_where_seeds_disagree_it_is_said_how_many():
    made = by_seed(comparison({"A": 0.0, "B": 0.2}, regions=("WT",)), alike=2, turned=1)

    (said,) = made.findings

    assert said.startswith("B is ahead of A in Dice of WT by 0.2")
    assert said.endswith(
        "after Holm, with this sign in 2 of 3 seeds: training again may turn it over."
    )


def test_where_all_seeds_agree_the_better_one_is_named():
    made = by_seed(comparison({"A": 0.0, "B": 0.2}, regions=("WT",)), alike=3, turned=0)

    (said,) = made.findings

    assert said.startswith("B is better than A in Dice of WT by 0.2")
    assert said.endswith("after Holm, with this sign in 3 of 3 seeds.")
    assert {each["better"] for each in comparison_json(made)["differences"]} == {"B"}
    assert 'class="loss"' in comparison_html(made)  # A - B


def test_seeds_may_disagree_on_who_lacks_values_too():
    made = scores({"A": 0.0, "B": 0.0}, regions=("WT",)).query("measure == 'hd95_mm'")
    of_a = made["method"] == "A"
    missed = made.assign(value=np.where(of_a, math.nan, 2.0))
    seeds = pd.concat([missed.assign(seed=0), made.assign(value=np.where(of_a, 1.0, 2.0), seed=1)])

    (said,) = Comparison(
        *(RULES, {"hd95_mm": HD95}, missed, summaries(missed)),  # undefined as with any seed
        by_seed=seeds,
    ).findings

    assert said.startswith("B is ahead of A in HD95 of WT, where no case has a value of both, p")
    assert "after Holm, alike in 1 of 2 seeds: training again may turn it over." in said


@pytest.mark.parametrize("gain", [0.0, 0.2])
def test_one_training_each_is_said_with_every_conclusion(gain):
    made = by_seed(comparison({"A": 0.0, "B": gain}), alike=1, turned=0)

    assert len(made.findings) == 2
    assert all("after Holm, one training each." in each for each in made.findings)
    assert "one set of predictions" not in " ".join(made.findings)


def test_few_cases_are_said_beside_their_numbers():
    few, enough = (comparison({"A": 0.1, "B": 0.3}, cases=n, regions=("WT",)) for n in (9, 10))

    said = "n = 9: too few, the interval is too narrow"
    summary = comparison_json(few)["summary"]["A"]["WT"]["dice"]
    assert summary["note"] == said
    assert comparison_json(few)["differences"][0]["note"] == said
    for heading in ("Means over cases", "Differences are first"):
        table = comparison_html(few).partition(heading)[2].partition("</table>")[0]
        assert said in table
    assert "too few, the interval" not in read(enough).text
    assert comparison_json(enough)["summary"]["A"]["WT"]["dice"]["note"] == ""


def test_of_many_comparisons_those_of_too_few_cases_are_counted():
    few = comparison({name: at / 9 for at, name in enumerate("ABCDEF")}, cases=5, regions=("WT",))

    assert findings(few.differences, MEASURES) == [
        "No difference shown in 15 of 15 comparisons, one set of predictions each; in 15 of them "
        "too few cases differ for p after Holm to fall under 0.05."
    ]


def test_many_comparisons_are_counted_where_they_show_nothing():
    equal = comparison(dict.fromkeys("ABCDEF", 0.0), regions=("WT",))

    assert equal.findings == [
        "No difference shown in 15 of 15 comparisons, one set of predictions each."
    ]


@pytest.mark.parametrize(
    ("p", "text"),
    [(None, "–"), (1.0, "1"), (0.2345, "0.23"), (0.0496, "0.0496"), (0.0504, "0.0504")],
)
def test_p_is_written_so_that_both_sides_of_the_limit_can_be_told_apart(p, text):
    assert p_text(p) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123, "+0.012"), (-0.3, "−0.300"), (0.0001, "0.000"), (None, "–")]
)
def test_differences_have_a_sign_unless_they_are_written_as_zero(value, text):
    assert signed(DICE, value) == text


@pytest.mark.parametrize(
    ("effect", "text"), [(0.7, "+0.70"), (-1.0, "−1.00"), (-0.001, "0.00"), (None, "–")]
)
def test_an_effect_has_a_sign_unless_it_is_written_as_zero(effect, text):
    assert effect_text(effect) == text


# the page


@pytest.fixture
def compared():
    return comparison(
        {"U-Net": 0.0, "<b>ISE</b>": 0.05, "INSPIRE": 0.1},
        baseline="U-Net",
        notes=["Left out: <x>."],
        provenance={"Manifest": "a&b.json"},
        facts={"U-Net": {"Parameters": "4.8 M"}, "INSPIRE": {"Step": "0.5 s"}},
    )


def test_every_tag_is_closed_in_order(compared):
    assert read(compared).open == []


def test_nothing_comes_from_elsewhere_and_names_are_never_markup(compared):
    reader = read(compared)

    links = [v for _, each in reader.tags for name, v in each.items() if name in ("src", "href")]
    assert all(link.startswith(("data:", "#")) for link in links)
    assert not {"b>ise<", "x", "et"} & {tag for tag, _ in reader.tags}
    assert "<b>ISE</b>" in reader.text
    assert "Left out: <x>." in reader.text
    assert "a&b.json" in reader.text


def test_the_page_says_who_wins_and_by_which_rules(compared):
    text = read(compared).text

    assert "INSPIRE is better than U-Net in Dice of WT by 0.1" in text
    assert "baseline U-Net" in text
    for line in (*RULES.policy, *SUMMARY_POLICY, *PAIRED_POLICY, *RANKING_POLICY):
        assert " ".join(line.split()) in text


def test_a_fact_that_one_method_lacks_is_a_dash(compared):
    text = read(compared).text

    assert "Fact U-Net INSPIRE Parameters 4.8 M – Step – 0.5 s".replace(" ", "") in text.replace(
        " ", ""
    )


def test_the_baseline_can_win():
    text = read(comparison({"U-Net": 0.1, "INSPIRE": 0.0}, baseline="U-Net")).text

    assert "U-Net is better than INSPIRE in Dice of WT by 0." in text


def test_equal_methods_share_the_first_rank_and_no_winner_is_named():
    one = scores({"A": 0.0})
    both = pd.concat([one, one.assign(method="B")])
    same = Comparison(RULES, MEASURES, both, summaries(both))

    text = read(same).text

    assert "is better than" not in text
    assert "No difference shown between A and B in Dice of WT: mean 0.000" in text
    assert [each.rank for each in same.standings] == [1, 1]


def charts(compared, section):
    return section(comparison_html(compared), "case-by-case").drawings


def test_every_case_is_a_line_from_method_to_method(compared, section):
    for chart in charts(compared, section):
        lines = chart.paths("stroke-opacity: 0.38")
        assert len(lines) == 12
        assert all(len({x for x, _ in line}) == len(line) == 3 for line in lines)


def test_a_line_lies_at_its_values_and_says_them(section):
    values = {"A": [0.25, 0.5], "B": [0.75, 0.5]}
    made = pd.DataFrame(
        [
            (method, case, "WT", "dice", value)
            for method, each in values.items()
            for case, value in zip("ab", each, strict=True)
        ],
        columns=COLUMNS,
    )
    (chart,) = charts(Comparison(RULES, MEASURES, made, summaries(made)), section)

    first, second = chart.paths("stroke-opacity: 0.38")
    grid = {at: chart.words[at][1] for at in ("0.25", "0.5", "0.75")}
    step = grid["0.25"] - grid["0.5"]
    assert first[0][1] - first[1][1] == pytest.approx(2 * step, abs=0.05)
    assert second[0][1] == pytest.approx(second[1][1], abs=0.05)
    assert second[0][1] - first[1][1] == pytest.approx(step, abs=0.05)
    assert "a: A 0.250, B 0.750" in [each.text for each in chart.root.iter(SVG_TITLE)]


def test_undefined_values_leave_a_gap_in_their_line(section):
    made = scores({"A": 0.1, "B": 0.0, "C": 0.1, "D": 0.1}, regions=("WT",))
    made = made[made["measure"] == "hd95_mm"]
    words = {"hd95_mm": HD95}
    (chart,) = charts(Comparison(RULES, words, made, summaries(made)), section)

    gap, whole = chart.paths("stroke-opacity: 0.38")[:2]
    assert len(whole) == 4
    dash, rest = gap[:2], gap[2:]
    assert dash[0][1] == dash[1][1]  # A alone, beside B's gap, is a dash
    assert 0 < dash[1][0] - dash[0][0] < 10
    assert [x for x, _ in rest] == [x for x, _ in whole[2:]]
    told = [each.text for each in chart.root.iter(SVG_TITLE)]
    assert any(text.startswith("case0: A ") and "B –, C " in text for text in told)


def test_a_case_that_no_method_has_a_value_of_has_no_line(section):
    made = scores({"A": 0.1, "B": 0.2}, regions=("WT",))
    made.loc[(made["case"] == "case3") & (made["measure"] == "dice"), "value"] = math.nan
    (chart,) = charts(Comparison(RULES, MEASURES, made, summaries(made)), section)

    told = [each.text.partition(":")[0] for each in chart.root.iter(SVG_TITLE)]
    assert len(chart.paths("stroke-opacity: 0.38")) == len(told) == 11
    assert "case3" not in told


def test_means_and_their_intervals_stand_on_their_method(section):
    made = comparison({"A": 0.0, "B": 0.1}, regions=("WT",))
    (chart,) = charts(made, section)

    bars = chart.paths("stroke: var(--ink)", "stroke-width: 2.2")
    low, high = made.summaries["A"]["WT"]["dice"].ci95
    height = chart.words["0"][1] - chart.words["1"][1]
    assert len(bars) == 2
    assert bars[0][0][0] == bars[0][1][0]
    assert bars[0][0][1] - bars[0][1][1] == pytest.approx(height * (high - low), abs=0.05)
    assert [x for x, _ in chart.paths("stroke-opacity: 0.38")[0]] == [bar[0][0] for bar in bars]


def test_a_crowd_of_cases_has_lines_without_names(section):
    (chart,) = charts(comparison({"A": 0.0, "B": 0.01}, cases=301, regions=("WT",)), section)

    assert len(chart.paths("stroke-opacity: 0.07")) == 301
    assert not list(chart.root.iter(SVG_TITLE))


def test_many_methods_are_named_by_both_ends_and_slanted(section):
    names = [f"variant-number-{at}" for at in range(5)]
    (chart,) = charts(comparison(dict.fromkeys(names, 0.0), regions=("WT",)), section)

    assert "varia…ber-3" in chart.words
    slanted = [e for e in chart.root.iter() if "rotate(-50" in e.get("transform", "")]
    assert len(slanted) == 5


def test_values_of_the_whole_set_are_shown_though_no_case_has_them():
    made = comparison({"A": 0.0, "B": 0.1}, regions=("WT",))
    words = {"max_dice": Measure("Max Dice", "", "high"), **MEASURES}
    more = {
        method: {"WT": {**each["WT"], "max_dice": each["WT"]["dice"]}}
        for method, each in made.summaries.items()
    }

    text = read(Comparison(RULES, words, made.scores, more)).text

    assert "Max Dice" in text
    assert "in Dice of WT by" in text


@pytest.mark.parametrize("cases", [1, 2, 3])
def test_few_cases_make_a_page(cases):
    text = read(comparison({"A": 0.0, "B": 0.2}, cases=cases)).text

    assert "No difference shown" in text


@pytest.mark.parametrize("measures", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_ten_methods_eight_regions_and_twenty_measures_make_a_page(measures):
    random = np.random.default_rng(0)
    words = {f"m{at}": Measure(f"M{at}", "", "high") for at in range(measures)}
    rows = [
        (f"method {number}", case, f"R{region}", name, random.random())
        for number in range(10)
        for case in "abcd"
        for region in range(8)
        for name in words
    ]
    made = pd.DataFrame(rows, columns=COLUMNS)

    reader = read(Comparison(RULES, words, made, summaries(made), baseline="method 0"))

    assert reader.open == []
    assert "Comparison of 10 methods" in reader.text


def test_different_cases_are_refused():
    made = scores({"A": 0.0, "B": 0.1})
    (gone,) = made.query(
        "method == 'B' and case == 'case3' and region == 'WT' and measure == 'dice'"
    ).index
    fewer = made.drop(index=gone)

    with pytest.raises(InputError, match="method B: has no dice of WT for case case3"):
        comparison_html(Comparison(RULES, MEASURES, fewer, summaries(fewer)))


# json


def test_json_has_everything_and_no_infinity(compared):
    content = comparison_json(compared)

    json.dumps(content, allow_nan=False)
    assert content["methods"] == ["U-Net", "<b>ISE</b>", "INSPIRE"]
    assert (content["baseline"], content["n_cases"]) == ("U-Net", 12)
    first = content["differences"][0]
    assert (first["region"], first["measure"], first["second"]) == ("WT", "dice", "U-Net")
    assert content["summary"]["INSPIRE"]["WT"]["dice"]["n"] == 12
    assert content["ranking"][0]["method"] == "INSPIRE"
    left_out = [e["n_left_out"] for e in content["differences"] if e["region"] == "<ET>"]
    assert left_out == [0, 0, 1, 1]
    assert "Holm" in content["policy"]
    assert content["notes"] == ["Left out: <x>."]


# in a browser

ROWS = """
const rows = [...document.querySelectorAll("#paired-tests tbody tr")];
const shown = () => rows.filter(row => !row.hidden).length;
const all = shown();
const choice = document.querySelector('#paired-tests [data-column="1"]');
choice.value = "HD95 [mm]";
choice.dispatchEvent(new Event("input"));
return [all, shown(), document.documentElement.scrollWidth <= innerWidth];
"""


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (800, True)])
def test_the_page_loads_without_complaint_and_tests_can_be_chosen(chromium, compared, width, dark):
    found = chromium.ask(comparison_html(compared), ROWS, width=width, dark=dark)

    assert found == [8, 4, True]
