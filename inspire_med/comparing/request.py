"""Request: what the trainings in a comparison's folder have been made with."""

from typing import Any

from inspire_med.comparing.plan import Plan
from inspire_med.errors import InputError
from inspire_med.files import read_json, write_json
from inspire_med.training.state import refuse_difference

REQUEST = "request.json"
# Places (the manifest is known by its hash), what is each job's own, and what changes no result.
_LEFT_OUT = {
    "run",
    "manifest",
    "store",
    "seed",
    "resume",
    "save_every",
    "save_every_steps",
    "track",
}


def refuse_other_folder(plan: Plan) -> None:
    """Only the same trainings may be added to a folder.

    More variants and seeds may be asked for later, or fewer, or another protocol: what is trained
    is kept.

    Raises:
        InputError: If the folder holds something else, or trainings with other options.
    """
    if plan.folder.is_file():
        raise InputError(f"{plan.folder}: is a file; choose another --run.")
    files = [file.name for file in plan.folder.iterdir()] if plan.folder.exists() else []
    if REQUEST not in files:
        # What is left by a comparison that ended before it could write its request.
        begun = [name for name in files if name == "lock" or name.startswith(".tmp-")]
        if len(files) > len(begun):
            raise InputError(f"{plan.folder}: holds something else; choose another --run.")
        return
    content, asked = read_json(plan.folder / REQUEST), _request(plan)
    if content.get("manifest_hash") != asked["manifest_hash"]:
        raise InputError(
            f"{plan.folder}: compares on the data set "
            f"{str(content.get('manifest_hash'))[:12]}, but the manifest is "
            f"{plan.manifest.hash[:12]}; use the same manifest or another --run."
        )
    refuse_difference(plan.folder, content, asked)


def keep_request(plan: Plan) -> None:
    """Note in the folder what is asked for, the first time.

    Raises:
        InputError: As `refuse_other_folder`.
    """
    refuse_other_folder(plan)
    if not (plan.folder / REQUEST).exists():
        write_json(plan.folder / REQUEST, _request(plan))


def _request(plan: Plan) -> dict[str, Any]:
    options = {key: value for key, value in plan.config.to_json().items() if key not in _LEFT_OUT}
    options["network"] = {k: v for k, v in options["network"].items() if k not in ("skip", "monai")}
    return {"format": 1, "manifest_hash": plan.manifest.hash, **options}
