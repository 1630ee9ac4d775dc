"""Participants: the table of BIDS that says which site each subject is of.

Source: the BIDS specification, modality-agnostic files, participants file. `site` is a column of
its examples and no required one, hence the other words.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

from inspire_med.files import read_text

TABLE = "participants.tsv"
_COLUMNS = ("site", "centre", "center", "institution")


def sites_of(folder: Path) -> Mapping[str, str]:
    """Site by subject, as the folder's table has it; empty where it has none.

    Args:
        folder: The data set's, or the one above its `rawdata`.

    Raises:
        InputError: As `read_text`.
    """
    paths = [place / TABLE for place in (folder, folder / "rawdata")]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return {}
    rows = list(csv.DictReader(read_text(path).splitlines(), delimiter="\t"))
    columns = [name for name in _COLUMNS if rows and name in rows[0]]
    if not columns:
        return {}
    sites = {row.get("participant_id"): row.get(columns[0]) for row in rows}
    return {subject: site for subject, site in sites.items() if subject and site and site != "n/a"}
