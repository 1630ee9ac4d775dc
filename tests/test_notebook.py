"""Every notebook runs from its first cell to its last, on small data, and shows what it says."""

import json
import shutil
from pathlib import Path

import pytest
from models import write_model_of
from PIL import Image, ImageChops

from inspire_med.cases.manifest import Manifest
from inspire_med.evaluate import main as evaluate

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
LOG = [
    {"kind": "step", "step": 1, "loss": 1.0},
    {"kind": "validation", "step": 1, "dice": {"a": 0.1}},
]
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def kernel():
    """One kernel for all: most of what a notebook takes here is the import of torch."""
    pytest.importorskip("nbclient")
    manager = pytest.importorskip("jupyter_client").AsyncKernelManager(kernel_name="python3")
    yield manager
    from jupyter_core.utils import run_sync

    run_sync(manager.shutdown_kernel)(now=True)


@pytest.fixture
def executed(kernel):
    """Runs a notebook with other parameters and answers with its outputs."""
    import nbclient
    import nbformat

    def run(name, **values):
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        (parameters,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
        places = {
            key: str(each) if isinstance(each, Path) else each for key, each in values.items()
        }
        known = {line.split(" = ")[0] for line in parameters.source.splitlines()}
        assert places.keys() <= known, "a parameter that the notebook does not have"
        parameters.source += "".join(f"\n{key} = {each!r}" for key, each in places.items())
        notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
        client = nbclient.NotebookClient(notebook, timeout=120, km=kernel)
        try:
            client.execute()
        finally:
            client.kc.stop_channels()
        return [output for cell in notebook.cells for output in cell.get("outputs", [])]

    return run


def count(outputs, kind):
    return sum(kind in output.get("data", {}) for output in outputs)


def said(outputs):
    return "".join(output.get("text", "") for output in outputs)


def copied_labels(manifest, folder, count):
    folder.mkdir()
    for case in Manifest.load(manifest).cases[:count]:
        shutil.copy(case.label, folder / f"{case.id}{''.join(case.label.suffixes)}")
    return folder


def test_notebooks_are_stored_without_outputs():
    found = list(NOTEBOOKS.glob("*.ipynb"))
    assert len(found) == 3
    for path in found:
        notebook = json.loads(path.read_text())
        assert "widgets" not in notebook["metadata"], path
        for cell in notebook["cells"]:
            assert not cell.get("outputs"), path
            assert cell.get("execution_count") is None, path


@pytest.mark.slow
@pytest.mark.parametrize(
    # Of volumes three views and 3-D more.
    ("data", "pictures", "widgets"),
    [("ball_volumes", 5, 2), ("disc_images", 4, 1)],
)
def test_predictions_of_a_manifest_are_shown(data, pictures, widgets, request, tmp_path, executed):
    manifest = request.getfixturevalue(data)
    folder = copied_labels(manifest, tmp_path / "predictions", 3)
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, LOG)))

    outputs = executed("visualise_predictions", SOURCE=manifest, PREDICTIONS=folder, RUN=tmp_path)

    assert count(outputs, "image/png") == pictures
    assert count(outputs, WIDGET) == widgets
    assert said(outputs).startswith("3 predicted: ")
    assert "matched" in said(outputs)
    assert "dice     1.000" in said(outputs)


@pytest.mark.slow
def test_a_run_predicts_a_folder_that_has_no_reference(disc_images, tmp_path, executed):
    model = write_model_of(disc_images, tmp_path / "model", "a", fold=0)
    (model / "training.json").unlink()  # a model as it is handed on, without its run
    shutil.copytree(disc_images.parent / "images", tmp_path / "images")

    outputs = executed(
        "visualise_predictions",
        SOURCE=tmp_path / "images",
        PREDICTIONS=None,
        RUN=model,
        CASE="disc2",
    )

    assert count(outputs, "image/png") == 2  # no errors to show, and no training
    assert count(outputs, WIDGET) == 1
    assert "6 predicted" in said(outputs)
    assert "matched" not in said(outputs)


@pytest.mark.slow
def test_two_methods_are_compared(disc_images, tmp_path, executed, undrawn):
    for name, aside in (("right", 0), ("aside", 2)):
        (tmp_path / name).mkdir()
        for number, case in enumerate(Manifest.load(disc_images).cases):
            with Image.open(case.label) as mask:
                moved = ImageChops.offset(mask, aside * (number + 1), 0)
                moved.save(tmp_path / name / f"{case.id}.png")
    words = [f"{name}={tmp_path / name}" for name in ("right", "aside")]
    words = ["--prediction", *words, "--reference", str(disc_images), "--workers", "1"]
    assert evaluate([*words, "--output", str(tmp_path / "scores")]) == 0

    outputs = executed("compare_models", COMPARISON=tmp_path / "scores")

    assert count(outputs, "image/png") == 4  # intervals, a scatter, the worst, the most different
    assert count(outputs, "text/html") == 2  # scores, differences
    assert "protocol segmentation, 6 cases" in said(outputs)
    assert "Dice of polyp" in said(outputs)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["disc_images", "ball_volumes"])
def test_what_happens_inside_is_shown(data, request, tmp_path, executed):
    manifest = request.getfixturevalue(data)
    model = write_model_of(manifest, tmp_path / "model", "a", fold=0, skip="inspire")

    outputs = executed("inside_inspire", RUN=model, MANIFEST=manifest)

    # The answer; of each of two passes attention, change, displacements, λ and share; then what
    # SSBA changes in features and in logits.
    assert count(outputs, "image/png") == 1 + 2 * 5 + 2
    assert "the skip 'inspire'" in said(outputs)
    assert "of the places change sides" in said(outputs)


@pytest.mark.slow
def test_of_a_plain_network_only_the_answer_is_shown(disc_images, tmp_path, executed):
    model = write_model_of(disc_images, tmp_path / "model", "a", fold=0)

    outputs = executed("inside_inspire", RUN=model, MANIFEST=disc_images)

    assert count(outputs, "image/png") == 1
