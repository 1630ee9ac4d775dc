"""Other forms: a set found and split here, written as another tool reads it."""

import re

from inspire_med.files import refuse_existing
from inspire_med.preparing.data_set import index_set
from inspire_med.preparing.datalist import write_datalist
from inspire_med.preparing.nnunet import write_raw
from inspire_med.preparing.options import Form, PrepareOptions

_WRITERS = {"nnunet": write_raw, "monai": write_datalist}


def write_as(options: PrepareOptions, form: Form) -> None:
    """Find, check and split the set, and write it.

    Raises:
        InputError: As `index_set` and the writers.
    """
    out = options.out
    refuse_existing(out, overwrite=options.overwrite)
    manifest = index_set(options, options.source, out.parent.resolve())
    _WRITERS[form](manifest, out, overwrite=options.overwrite)
    print(f"Written: {out}")
    if form == "nnunet" and not re.fullmatch(r"Dataset\d{3}_.+", out.name):
        print("note: nnU-Net finds a folder by a name such as Dataset501_Tumour; rename it.")
