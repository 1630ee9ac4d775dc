"""Download: a published set into a new folder, and the command to go on with."""

import shlex
from pathlib import Path

from inspire_med.cli.progress import one_bar
from inspire_med.errors import InputError, did_you_mean
from inspire_med.fetching.transfer import fetch, refuse_other_checksum
from inspire_med.fetching.unpack import unpack
from inspire_med.files import atomic_folder, refuse_existing
from inspire_med.tasks.downloads import CLOSED, OPEN, OpenSet


def download_set(name: str, out: Path) -> None:
    """Fetch an archive beside `out`, check it, unpack it into `out`, and remove it.

    Raises:
        InputError: If the set is unknown or not open, `out` is there, or the archive cannot be had,
            is another than the published one, or is not harmless.
    """
    wanted = _open_set(name)
    refuse_existing(out, overwrite=False)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f"{out.name}-{Path(wanted.url).name}.part")
    print(f"{wanted.title}: {wanted.licence}; cite {wanted.cite}", flush=True)
    with one_bar("fetching") as advance:
        fetch(wanted.url, part, size=wanted.size, progress=advance)
    refuse_other_checksum(part, wanted.checksum, wanted.url)
    with one_bar("unpacking") as advance, atomic_folder(out) as folder:
        unpack(part, folder, progress=advance)
    part.unlink()
    source = out / wanted.folder
    print(f"Written: {out}")
    manifest = out.with_name(f"{out.name}.json")
    command = ["inspire-med", "prepare", "--task", wanted.task, "--source", str(source)]
    print(f"go on with: {shlex.join([*command, '--out', str(manifest)])}")


def _open_set(name: str) -> OpenSet:
    if name in OPEN:
        return OPEN[name]
    if name in CLOSED:
        closed = CLOSED[name]
        raise InputError(
            f"--download {name}: {closed.title} is not fetched from here, because {closed.why}; "
            f"get it at {closed.where}, then prepare --task {closed.task} --source its folder."
        )
    hint = did_you_mean(name, [*OPEN, *CLOSED], f"choose from {', '.join(OPEN)}.")
    raise InputError(f"--download {name}: unknown; {hint}")
