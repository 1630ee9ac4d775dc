import json
import shutil
from pathlib import Path

import pytest

from inspire_med.cases.manifest import Manifest

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
LOG = [
    {"kind": "step", "step": 1, "loss": 1.0},
    {"kind": "validation", "step": 1, "dice": {"a": 0.1}},
]


def test_notebooks_are_stored_without_outputs():
    for path in NOTEBOOKS.glob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            assert not cell.get("outputs"), path
            assert cell.get("execution_count") is None, path


@pytest.mark.slow
@pytest.mark.parametrize(("data", "pictures"), [("ball_volumes", 5), ("disc_images", 4)])
def test_visualise_predictions_runs(data, pictures, request, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    manifest = request.getfixturevalue(data)
    predictions = tmp_path / "predictions"
    predictions.mkdir()
    for case in Manifest.load(manifest).cases[:3]:
        suffix = "".join(case.label.suffixes)
        shutil.copy(case.label, predictions / f"{case.id}{suffix}")
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, LOG)))
    notebook = nbformat.read(NOTEBOOKS / "visualise_predictions.ipynb", as_version=4)
    parameters = next(
        cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])
    )
    values = {"MANIFEST": manifest, "PREDICTIONS": predictions, "RUN": tmp_path}
    parameters.source += "".join(f"\n{name} = {str(path)!r}" for name, path in values.items())

    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == pictures
    assert "3 of" in outputs[0]["text"]
