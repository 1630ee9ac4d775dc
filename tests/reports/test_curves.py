import re
import xml.etree.ElementTree as ET

import numpy as np

from inspire_med.evaluation.result import CaseScores, RegionResult
from inspire_med.reports.curves_section import curves_section, mean_curves

NAN = float("nan")


def cases(*curves, name="dice"):
    return [
        CaseScores(str(number), {"polyp": RegionResult({}, curves={name: np.array(values)})})
        for number, values in enumerate(curves)
    ]


def test_curves_are_means_over_cases_at_each_threshold():
    found = mean_curves(cases([1.0, 0.5, 0.0], [0.0, 1.0, 0.0]))

    assert found["dice"]["polyp"].tolist() == [0.5, 0.75, 0.0]


def test_undefined_values_are_left_out_of_the_mean():
    assert mean_curves(cases([NAN, NAN], [0.5, NAN]))["dice"]["polyp"].tolist()[0] == 0.5


def test_a_curve_defined_nowhere_is_not_drawn():
    assert curves_section(cases([NAN, NAN]), {}, ["polyp"]) == ""


def test_mean_and_highest_point_stand_in_words():
    page = curves_section(cases([1.0, 0.5, 0.0], [0.0, 1.0, 0.0]), {}, ["polyp"])

    text = re.sub("<[^>]*>", "", page)
    assert "mean 0.417, highest 0.750 at threshold 0.50." in text
    assert "Dice over thresholds" in text


def test_the_line_runs_over_all_thresholds_and_the_ring_lies_on_it():
    values = np.linspace(0.2, 0.8, 256)
    page = curves_section(cases(values, name="e"), {}, ["polyp"])

    chart = ET.fromstring(re.search("<svg.*</svg>", page)[0])
    (line,) = (node for node in chart.iter() if node.get("class") == "curve")
    (ring,) = (node for node in chart.iter() if node.get("class") == "ring")
    points = line.get("points").split()
    assert len(points) == 256
    assert points[-1] == f"{ring.get('cx')},{ring.get('cy')}"


def test_a_protocol_without_curves_has_no_such_section():
    assert curves_section([CaseScores("a", {"x": RegionResult({})})], {}, ["x"]) == ""
