"""Pictures: the cases to look at, reference beside prediction."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from inspire_med.reports.legend import legend

_OF_VOLUMES = (
    ", at the slice with the most reference. Volumes are axial, the patient's right on the left, "
    "front on top"
)


@dataclass(frozen=True)
class Picture:
    """A case to look at.

    Attributes:
        group: `worst`, `median`, `best` or `all`.
        case: Its id.
        score: By which it was chosen.
        png: The whole file.
        ranked_by: What the score is.
    """

    group: str
    case: str
    score: float
    png: bytes
    ranked_by: str = "mean Dice"


def pictures_section(
    pictures: Sequence[Picture], regions: Sequence[str], *, flat: bool = False
) -> str:
    """The pictures in their groups, if any; `flat` leaves out what is said of volumes."""
    if not pictures:
        return ""
    groups: dict[str, list[Picture]] = {}
    for picture in pictures:
        groups.setdefault(picture.group, []).append(picture)
    of_volumes = "" if flat else _OF_VOLUMES
    parts = [
        '<p class="hint">From left to right: the image (where the manifest names one), the '
        f"reference, the prediction{of_volumes}.</p>"
        f"{legend(regions)}"
    ]
    for group, members in groups.items():
        parts.append(f"<h3>{escape(group.capitalize())}</h3>" if len(groups) > 1 else "")
        parts.append(f'<div class="pictures">{"".join(map(_figure, members))}</div>')
    return "".join(parts)


def _figure(picture: Picture) -> str:
    content = base64.b64encode(picture.png).decode()
    case = escape(picture.case)
    return (
        f"<figure><figcaption>{case} <span>{escape(picture.ranked_by)} {picture.score:.3f}</span>"
        f'</figcaption><img alt="{case}: image, reference, prediction" '
        f'src="data:image/png;base64,{content}"></figure>'
    )
