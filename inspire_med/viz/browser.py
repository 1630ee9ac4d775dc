"""Browser: slices of case after case under widgets, for a notebook."""

import io
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.figure import Figure

from inspire_med.viz.planes import PLANES, Upright, busiest_index, in_file, slice_count
from inspire_med.viz.slices import slice_figure

Read = Callable[[str, str | None], Upright]


def slice_browser(
    cases: Sequence[str], read: Read, regions: Sequence[str], channels: Sequence[str] = ()
) -> Any:
    """Widgets that choose a case, and of a volume its channel, plane and slice; the slice below.

    Where case or plane change, it goes to the slice with the most foreground. Slices are numbered
    along the file's own axis.

    Args:
        cases: Their names; the first is shown first.
        read: From a case and a channel (None of pictures) to what `slice_figure` takes.
        regions: Names of the masks.
        channels: Of volumes; empty for pictures.

    Returns:
        An `ipywidgets.VBox`; its last child is the picture, a PNG.

    Raises:
        ModuleNotFoundError: If ipywidgets is not installed; it comes with the extra `notebooks`.
    """
    import ipywidgets as widgets

    case: Any = widgets.Dropdown(options=list(cases), description="case")
    channel: Any = widgets.Dropdown(options=list(channels) or [None], description="channel")
    plane: Any = widgets.ToggleButtons(options=PLANES, description="plane")
    number: Any = widgets.IntSlider(description="slice", continuous_update=False)
    picture: Any = widgets.Image(format="png")

    def show(*_: Any) -> None:
        there = read(case.value, channel.value)
        chosen = number.value if there.is_volume else None
        picture.value = _png(slice_figure(there, regions, plane.value, chosen, title=case.value))

    def go_to_the_most(*_: Any) -> None:
        there = read(case.value, channel.value)
        if there.is_volume:
            most = in_file(there, plane.value, busiest_index(there, plane.value))
            number.unobserve(show, "value")  # draw once, not for each of the two changes
            number.max = slice_count(there, plane.value) - 1
            number.value = most
            number.observe(show, "value")
        show()

    for choice in (case, plane):
        choice.observe(go_to_the_most, "value")
    for choice in (channel, number):
        choice.observe(show, "value")
    go_to_the_most()
    return widgets.VBox([case, *([channel, plane, number] if channels else []), picture])


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
