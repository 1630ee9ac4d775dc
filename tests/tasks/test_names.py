import ast
from pathlib import Path

import inspire_med
from inspire_med.tasks.find import TASKS

PACKAGE = Path(inspire_med.__file__).parent


# The rules of a challenge name its regions, one of which is called as a task is.
def test_no_other_room_names_a_task():
    named = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.value}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not {"tasks", "protocols"} & set(path.relative_to(PACKAGE).parts)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in TASKS
    ]

    assert named == []
