import pytest

from inspire_med.errors import InputError
from inspire_med.tasks.find import task_named


def test_refuses_an_unknown_task():
    with pytest.raises(InputError, match="liver: unknown; choose one of brats, isles, polyp, nnu"):
        task_named("liver")
    with pytest.raises(InputError, match="task brat: unknown; did you mean brats?"):
        task_named("brat")
