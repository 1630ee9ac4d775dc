"""Folder: what a comparison's folder remembers, and that nothing else is added to it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspire_med.cases.planning.plan import Plan, plan_in_record
from inspire_med.cli.run_folder import last_options, options_in
from inspire_med.comparing.job import Job
from inspire_med.comparing.schedule import Schedule
from inspire_med.config import with_paths_resolved
from inspire_med.errors import InputError
from inspire_med.files import read_json, write_json
from inspire_med.training.recipe import every_option, recipe, refuse_difference

_REQUEST = "request.json"
_OF_THE_REQUEST = {"format", "manifest_hash", "variants", "tests", "planned"}
_NETWORK = {"network.skip", "network.monai"}
# Places (the manifest is known by its hash), what is each job's own, and what changes no result.
_LEFT_OUT = {
    "run",
    "manifest",
    "store",
    "store_limit",
    "only_prepare",
    "seed",
    "resume",
    "allow_leak",
    "save_every",
    "save_every_steps",
    "track",
    "plan",
}


def refuse_foreign_folder(folder: Path) -> None:
    """Write into no folder that is neither new nor a comparison's.

    Raises:
        InputError: If it holds something else.
    """
    if folder.is_file():
        raise InputError(f"{folder}: is a file; choose another --run.")
    files = [file.name for file in folder.iterdir()] if folder.exists() else []
    # What is left by a comparison that ended before it could write its request.
    begun = [name for name in files if name == "lock" or name.startswith(".tmp-")]
    if _REQUEST not in files and len(files) > len(begun):
        raise InputError(f"{folder}: holds something else; choose another --run.")


def sizes_kept(folder: Path) -> tuple[bool, Plan | None]:
    """Whether a comparison has begun in the folder, and the plan of sizes it was begun with."""
    if not (folder / _REQUEST).is_file():
        return False, None
    planned = read_json(folder / _REQUEST).get("planned")
    return True, None if planned is None else plan_in_record(planned, folder / _REQUEST)


def keep_request(schedule: Schedule) -> None:
    """Note in the folder what is asked for, beside the variants and tests of earlier requests.

    More variants and seeds may be asked for later, or fewer, or another protocol: what is trained
    is kept.

    Raises:
        InputError: If the folder holds trainings on another data set or with other options.
    """
    file = schedule.folder / _REQUEST
    if file.is_file():
        _refuse_other_trainings(schedule)
    before = read_json(file) if file.is_file() else _request(schedule)
    named = {
        "variants": before.get("variants", {}) | _by_folder(schedule),
        "tests": before.get("tests", {})
        | {exam.name: exam.manifest.hash for exam in schedule.tests},
    }
    if {**before, **named} != before:
        write_json(file, {**before, **named})


def _refuse_other_trainings(schedule: Schedule) -> None:
    content = read_json(schedule.folder / _REQUEST)
    if content.get("manifest_hash") != schedule.manifest.hash:
        raise InputError(
            f"{schedule.folder}: compares on the data set "
            f"{str(content.get('manifest_hash'))[:12]}, but the manifest is "
            f"{schedule.manifest.hash[:12]}; use the same manifest or another --run."
        )
    if content.get("fold") == "all":  # as `each` was called
        content["fold"] = "each"
    refuse_difference(
        schedule.folder, _alike(content, schedule), _alike(schedule.config.to_json(), schedule)
    )
    tests = content.get("tests", {})
    for exam in schedule.tests:
        if tests.get(exam.name, exam.manifest.hash) != exam.manifest.hash:
            raise InputError(
                f"{schedule.folder}: was tested on other cases called {exam.name} than those of "
                f"{exam.file}; use the same manifest, or give the file another name."
            )
    known = content.get("variants", {})
    for name, options in _by_folder(schedule).items():
        if name in known:
            refuse_difference(
                schedule.folder / name, known[name], options, "give the variant another name"
            )
    for job in schedule.jobs():
        _refuse_other_training(job)


def _refuse_other_training(job: Job) -> None:
    """Each run says what it is: a request may be older than the names of variants in it."""
    found = last_options(job.run)
    if found is None:
        return
    file, _ = found
    asked = with_paths_resolved(job.config).to_json()
    way_out = "give the variant another name or choose another --run"
    refuse_difference(file, recipe(options_in(file)), recipe(asked), way_out)


def _request(schedule: Schedule) -> dict[str, Any]:
    options = {
        key: value for key, value in schedule.config.to_json().items() if key not in _LEFT_OUT
    }
    planned = {} if schedule.sizes is None else {"planned": schedule.sizes.to_json()}
    return {"format": 1, "manifest_hash": schedule.manifest.hash, **planned, **options}


def _by_folder(schedule: Schedule) -> dict[str, dict[str, Any]]:
    """Each variant's own options, in JSON's types, by the name of its folder."""
    own = {variant.folder: variant.options for variant in schedule.variants}
    return json.loads(json.dumps(own, default=str))


def _alike(options: Mapping[str, Any], schedule: Schedule) -> dict[str, Any]:
    """Of a request's options those that each variant is trained with."""
    free = _LEFT_OUT | _OF_THE_REQUEST
    if all(_NETWORK & {*variant.options} for variant in schedule.variants):
        free |= _NETWORK
    shared = {name: value for name, value in options.items() if name not in free}
    return {name: value for name, value in every_option(shared).items() if name not in free}
