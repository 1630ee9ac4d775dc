import numpy as np

from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.evaluation.scores import mean_curves

NAN = float("nan")
SVG = "{http://www.w3.org/2000/svg}"


def cases(*curves, name="dice"):
    return [
        CaseScores(
            str(number), {"polyp": RegionResult({"dice": 0.5}, curves={name: np.array(values)})}
        )
        for number, values in enumerate(curves)
    ]


def test_curves_are_means_over_cases_at_each_threshold():
    found = mean_curves(cases([1.0, 0.5, 0.0], [0.0, 1.0, 0.0]))

    assert found["dice"]["polyp"].tolist() == [0.5, 0.75, 0.0]


def test_undefined_values_are_left_out_of_the_mean():
    assert mean_curves(cases([NAN, NAN], [0.5, NAN]))["dice"]["polyp"].tolist()[0] == 0.5


def test_a_curve_defined_nowhere_is_not_drawn(section_of):
    assert section_of("curves", cases([NAN, NAN])).html == ""


def test_mean_and_highest_point_stand_in_words(section_of):
    found = section_of("curves", cases([1.0, 0.5, 0.0], [0.0, 1.0, 0.0]))

    assert "mean 0.417 , highest 0.750 at threshold 0.50." in found.text
    assert "Dice over thresholds" in found.text


def test_the_line_runs_over_all_thresholds_and_the_ring_lies_on_it(section_of):
    (chart,) = section_of("curves", cases(np.linspace(0.2, 0.8, 256), name="e")).drawings

    (line,) = chart.paths("fill: none", "var(--region0)")
    (ring,) = (each for each in chart.root.iter(SVG + "use"))

    uprights = [
        points[0][0] for points in chart.paths("var(--line)") if points[0][0] == points[1][0]
    ]
    assert (line[0][0], line[-1][0]) == (min(uprights), max(uprights))
    assert line[-1] == (float(ring.get("x")), float(ring.get("y")))


def test_a_protocol_without_curves_has_no_such_section(section_of):
    assert section_of("curves", [CaseScores("a", {"x": RegionResult({"dice": 1.0})})]).html == ""
