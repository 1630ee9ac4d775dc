"""Movable: a store with a manifest in it, which another machine trains from without the files."""

from inspire_med.cases.manifest import Manifest
from inspire_med.cases.planning.plan import Plan, plan_in_record
from inspire_med.config import MOVABLE, TrainConfig
from inspire_med.errors import InputError
from inspire_med.files import read_json, write_json

_MANIFEST = "manifest.json"


def refuse_other_manifest(config: TrainConfig, manifest: Manifest) -> None:
    """Never write a manifest over that of another data set.

    Raises:
        InputError: If the store has one.
    """
    place = config.store_folder / _MANIFEST
    if place.exists() and Manifest.load(place).hash != manifest.hash:
        raise InputError(f"{place}: is of another data set; choose another --store.")


def refuse_limit(config: TrainConfig) -> None:
    """What makes way in a store is prepared anew from the files, which a moved one may be without.

    Raises:
        InputError: If a movable store is to be limited.
    """
    if config.store_limit is not None and (config.store_folder / MOVABLE).is_file():
        raise InputError(
            f"--store_limit: {config.store_folder} was made to be trained from without the files; "
            "leave the option out, or choose another --store."
        )


def plan_of_store(config: TrainConfig, manifest: Manifest) -> Plan | None:
    """The plan by which a movable store's cases were prepared, if it is of this data set."""
    file = config.store_folder / MOVABLE
    said = read_json(file) if file.is_file() else {}
    if said.get("manifest_hash") != manifest.hash or "planned" not in said:
        return None
    return plan_in_record(said["planned"], file)


def write_movable(config: TrainConfig, manifest: Manifest, plan: Plan | None) -> str:
    """Write the manifest into the store; answers with what to say.

    It keeps the hash of the data set, by which a run knows it again, and the paths of the files as
    they are seen from the store: where those are not there, its entries stand for them.
    """
    place = config.store_folder / _MANIFEST
    manifest.save(place, overwrite=True)
    planned = {} if plan is None else {"planned": plan.to_json()}
    said = {"format": 1, "manifest_hash": manifest.hash, **planned}
    write_json(config.store_folder / MOVABLE, said)
    return f"prepared; with no more than this folder, train by --manifest {place}"
