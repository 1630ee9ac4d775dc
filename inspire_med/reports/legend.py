"""Legend: which colour is which region."""

from collections.abc import Sequence
from html import escape


def legend(regions: Sequence[str]) -> str:
    """A square and a name for each region, in the order that gives them their colours."""
    entries = "".join(
        f'<span class="region{number % 6}"><i></i>{escape(region)}</span>'
        for number, region in enumerate(regions)
    )
    return f'<div class="legend">{entries}</div>'
