"""Wording: counts and durations as people say them."""


def counted(number: int, thing: str) -> str:
    """`1 case`, `1,000 cases`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


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
