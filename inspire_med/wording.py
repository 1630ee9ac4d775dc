"""Wording: counts, lists and durations as people say them."""

from collections.abc import Sequence


def counted(number: int, thing: str) -> str:
    """`1 case`, `1,000 cases`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def listed(names: Sequence[str], limit: int = 5) -> str:
    """The first few, and how many more there are: `a, b and 3 more`; `none` of none."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more or "none"


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 05 min`, `12.4 days`."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes / (24 * 60):.1f} days"
