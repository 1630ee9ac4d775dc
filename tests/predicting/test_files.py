"""Which files a request writes, and which it must not write over."""

from types import SimpleNamespace

import numpy as np
import pytest

from inspire_med.cases.layouts.found import FoundCase
from inspire_med.errors import InputError
from inspire_med.imaging.placement import Placement
from inspire_med.inference.doubt import Doubt
from inspire_med.inference.postprocess import Postprocessing
from inspire_med.inference.prediction import Prediction
from inspire_med.predicting.answers import Answers
from inspire_med.predicting.inputs import refuse_inputs_as_output


@pytest.mark.parametrize(
    ("with_maps", "names"), [(False, ["a.png"]), (True, ["a.png", "a_prob.png"])]
)
def test_what_is_said_to_be_written_is_there(tmp_path, with_maps, names):
    shares = np.zeros((1, 4, 5), np.uint16)
    placement = Placement.of_picture((4, 5), None)
    prediction = Prediction.painted(shares, placement, {"organ": (1,)}, Postprocessing(), "")
    answers = Answers(
        tmp_path,
        SimpleNamespace(doubt=Doubt(), rules=Postprocessing()),
        with_maps=with_maps,
        with_doubt=False,
    )

    answers.take("a", prediction, {})

    assert [path.name for path in answers.files] == names
    assert sorted(tmp_path.iterdir()) == answers.files


@pytest.mark.parametrize("place", ["a.png", "a_prob.png", "doubt/a.png", "overlays/a.png"])
def test_nothing_takes_the_place_of_an_input(tmp_path, place):
    case = FoundCase("a", "a", {"green": tmp_path / place})

    with pytest.raises(InputError, match=rf"{place} is a file of the input, which would be repl"):
        refuse_inputs_as_output([case], tmp_path)
    refuse_inputs_as_output([case], tmp_path / "elsewhere")
