import nibabel as nib
import numpy as np
import pytest

from inspire_med.errors import InputError
from inspire_med.evaluation.batch import Job, Rules, found_labels, score_batch

RULES = Rules("segmentation", {"all": (1, 2)})


@pytest.fixture
def jobs(tmp_path):
    made = []
    for number in range(3):
        labels = np.zeros((5, 5, 5), dtype=np.uint8)
        labels[1:3, 1:3, 1 : 3 + number] = 1 + number % 2
        path = tmp_path / f"case{number}.nii.gz"
        nib.save(nib.Nifti1Image(labels, np.eye(4)), path)
        made.append(Job(f"case{number}", tmp_path / "case0.nii.gz", path))
    return made


@pytest.mark.slow
def test_workers_do_not_change_scores_or_their_order(jobs):
    ticks = []

    alone = score_batch(jobs, RULES, workers=1, on_done=lambda: ticks.append(1))
    together = score_batch(jobs, RULES, workers=2, on_done=lambda: ticks.append(1))

    assert alone == together
    assert [each.case for each in alone] == ["case0", "case1", "case2"]
    assert len(ticks) == 6


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_error_of_the_input_reaches_the_caller(jobs, workers):
    jobs[1][2].write_text("broken")

    with pytest.raises(InputError, match=r"case1.nii.gz: named .gz but not compressed"):
        score_batch(jobs, RULES, workers=workers, on_done=lambda: None)


def test_labels_of_all_files_are_found(jobs):
    paths = [job[2] for job in jobs]

    assert found_labels(paths, None, workers=1, on_done=lambda: None) == (1, 2)
