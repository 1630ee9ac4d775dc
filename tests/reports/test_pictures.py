"""Pictures of a report: what is drawn of reference and prediction."""

from types import SimpleNamespace

import numpy as np
from PIL import Image

from inspire_med.evaluation.protocols import protocol
from inspire_med.evaluation.references import References
from inspire_med.reports.pictures import _of_labels


def test_what_nobody_has_judged_is_drawn_as_no_mistake(tmp_path):
    reference = np.array([[0, 1, 2, 2], [0, 1, 2, 2]], np.uint8)
    prediction = np.array([[0, 1, 0, 1], [1, 0, 0, 1]], np.uint8)
    files = tmp_path / "r.png", tmp_path / "p.png"
    for file, labels in zip(files, (reference, 255 * prediction), strict=True):
        Image.fromarray(labels).save(file)
    references = References({"c": files[0]}, {"a": (1,)}, ignore=2)
    cohort = SimpleNamespace(references=references, resampled=False)

    drawn = _of_labels(cohort, protocol("segmentation"), None, *files)

    np.testing.assert_array_equal(drawn[0], [reference == 1])
    np.testing.assert_array_equal(drawn[1], [prediction * (reference != 2)])
