from dataclasses import replace

import pytest

from inspire_med.comparing.rules import rules_for
from inspire_med.errors import InputError
from inspire_med.tasks.find import TASKS


def test_a_task_has_rules_of_its_own_and_may_be_scored_by_others():
    assert rules_for(TASKS["polyp"]).name == "polyp-pranet"
    assert rules_for(TASKS["polyp"], "segmentation").name == "segmentation"
    assert rules_for(TASKS["brats"]).name == "brats2023-gli"


@pytest.mark.parametrize(("task", "name"), [("brats", "polyp-pranet"), ("polyp", "brats2023-gli")])
def test_refuses_rules_for_other_predictions(task, name):
    with pytest.raises(InputError, match=f"protocol {name} does not score what .* {task} .*; c"):
        rules_for(replace(TASKS[task], protocol=name))
