"""Command: a data set found, checked and indexed (`python -m inspire_med.prepare ...`)."""

from collections.abc import Sequence

from jsonargparse import Namespace

from inspire_med.cli.command import run_command
from inspire_med.errors import InputError
from inspire_med.files import refuse_existing
from inspire_med.preparing.options import PrepareOptions, make_parser, read_options
from inspire_med.preparing.request import check_request


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the options, prepare, and answer with the exit status."""
    words = "Find, check and index a data set where it lies; make phantoms; fetch published sets."
    return run_command(make_parser(words), _prepare, arguments)


def _prepare(namespace: Namespace) -> None:
    options = read_options(namespace)
    check_request(options)
    if options.download is not None:
        from inspire_med.preparing.download import download_set

        download_set(options.download, options.out)
    elif options.phantom is not None:
        from inspire_med.preparing.phantoms import make_set

        make_set(options, options.phantom)
    elif options.written_as is not None:
        from inspire_med.preparing.other_forms import write_as

        write_as(options, options.written_as)
    else:
        _index(options)


def _index(options: PrepareOptions) -> None:
    from inspire_med.cases.manifest import refuse_to_replace
    from inspire_med.preparing.check import refuse_existing_check
    from inspire_med.preparing.data_set import index_set
    from inspire_med.preparing.plan import plan_file, plan_set
    from inspire_med.preparing.repair import refuse_odd_folder
    from inspire_med.preparing.zips import unpacked

    out = options.out
    if out.is_dir():
        raise InputError(f"{out}: a folder; give the manifest's file name, such as manifest.json.")
    refuse_to_replace(out, overwrite=options.overwrite)
    if options.check:
        refuse_existing_check(out, overwrite=options.overwrite)
    if options.repair is not None:
        refuse_odd_folder(options.repair, options.source, overwrite=options.overwrite)
    if options.plan is not None:
        refuse_existing(plan_file(out), overwrite=options.overwrite)
    sources = unpacked(options.source, out.parent)
    manifest = index_set(options, sources, out.parent.resolve())
    manifest.save(out, overwrite=options.overwrite)
    print(f"Written: {out}")
    if options.plan is not None:
        plan_set(out, options.plan, overwrite=options.overwrite)


if __name__ == "__main__":
    raise SystemExit(main())
