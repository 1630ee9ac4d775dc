"""Findings: what the paired tests show, in plain sentences, and what they do not."""

from collections.abc import Iterator, Mapping, Sequence

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.statistics.paired import ALPHA, Difference
from inspire_med.wording import counted

_MOST_SENTENCES = 12  # beyond, those that show nothing are counted instead
_TO_SHOW = f"for p after Holm to fall under {ALPHA}"


def findings(differences: Sequence[Difference], words: Mapping[str, Measure]) -> list[str]:
    """A sentence a region and pair of methods, about the first measure that was compared."""
    compared = {each.measure for each in differences}
    first = next((name for name in words if name in compared), None)
    asked = [each for each in differences if each.measure == first]
    told = [each for each in asked if each.shown or len(asked) <= _MOST_SENTENCES]
    sentences = [sentence(each, words[each.measure]) for each in told]
    left = [each for each in asked if each not in told]
    if left:
        few = sum(not each.can_show for each in left)
        too_few = f"; in {few} of them too few cases differ {_TO_SHOW}" if few else ""
        sentences.append(
            f"No difference shown in {len(left)} of {counted(len(asked), 'comparison')}"
            f"{_trainings(left[0]) if left[0].seeds in (None, 1) else ''}{too_few}."
        )
    return sentences


def sentence(difference: Difference, measure: Measure) -> str:
    """What one comparison shows, and on how many trainings it rests.

    Only a `winner` is called better.
    """
    title = f"absolute {measure.title.lower()}" if measure.better == "zero" else measure.title
    where = f"{title} of {difference.region}"
    if difference.p is None:
        pair = f"{difference.first} and {difference.second}"
        return f"{pair} cannot be compared in {where}: no case has a value."
    told = _shown if difference.shown else _not_shown
    said = (told(difference, measure, where), _too_few(difference), *_one_sided(difference))
    return " ".join(filter(None, said))


def winner(difference: Difference, measure: Measure) -> str | None:
    """The method that is better by test, mean and every seed alike; None where there is none.

    By the test if p after Holm is below `ALPHA`. Where no case has a value of both, no mean need
    agree; where predictions did not come by seeds, no seed.
    """
    if not difference.shown or difference.seeds_alike != difference.seeds:
        return None
    gain = _gain(difference, measure)
    return None if gain is not None and gain <= 0 else _ahead(difference)[0]


def p_text(p: float | None) -> str:
    """A p-value with the digits that matter: `0.0312`, `0.4`, `< 0.001`."""
    if p is None:
        return "–"
    if p < 0.001:
        return "<\u00a00.001"
    return f"{p:.3g}" if p < 2 * ALPHA else f"{p:.2g}"


def signed(measure: Measure, value: float | None) -> str:
    """A difference with its sign: `+0.012`, `−0.30`, `0.000`."""
    written = measure.written(value)
    positive = value is not None and value > 0 and written.strip("0.") != ""
    return f"+{written}" if positive else written


def effect_text(effect: float | None) -> str:
    """A rank-biserial correlation with its sign: `+0.70`, `−1.00`, `0.00`."""
    if effect is None:
        return "–"
    rounded = round(effect, 2)
    return f"{rounded:+.2f}".replace("-", "−") if rounded else "0.00"


def _shown(difference: Difference, measure: Measure, where: str) -> str:
    ahead, behind = _ahead(difference)
    gain = _gain(difference, measure)
    p = f"p\u00a0{p_text(difference.p_holm)} after Holm"
    if gain is not None and gain <= 0:
        apart = f"it is worse by {_amount(measure, -gain)}" if gain else "they are equal"
        return (
            f"Signed ranks favour {ahead} over {behind} in {where} ({p}), but the mean does not, "
            f"where {apart}{_trainings(difference)}: look at the cases."
        )
    settled = winner(difference, measure) is not None
    said = f"{ahead} {'is better than' if settled else 'is ahead of'} {behind} in {where}"
    doubt = "" if settled else ": training again may turn it over"
    by = ", where no case has a value of both"
    if gain is not None:
        up = (ahead == difference.first) == (measure.better == "high")
        by = f" by {_amount(measure, gain)}{_between(difference, measure, up=up)}"
    return f"{said}{by}, {p}{_trainings(difference)}{doubt}."


def _not_shown(difference: Difference, measure: Measure, where: str) -> str:
    pair = f"No difference shown between {difference.first} and {difference.second} in {where}"
    p = f"p\u00a0{p_text(difference.p_holm)} after Holm{_trainings(difference)}"
    if difference.mean is None:
        return f"{pair}: no case has a value of both, {p}."
    mean = f"{signed(measure, difference.mean)}{_unit(measure)}"
    return f"{pair}: mean {mean}{_between(difference, measure, up=True)}, {p}."


def _ahead(difference: Difference) -> tuple[str, str]:
    """Which method signed ranks favour, and the other."""
    first, second = difference.first, difference.second
    return (first, second) if (difference.rank_biserial or 0) > 0 else (second, first)


def _gain(difference: Difference, measure: Measure) -> float | None:
    """By how much the mean is better of the method that signed ranks favour; None without one."""
    if difference.mean is None:
        return None
    of_first = difference.mean if measure.better == "high" else -difference.mean
    return of_first if _ahead(difference)[0] == difference.first else -of_first


def _trainings(difference: Difference) -> str:
    """On how many trainings a conclusion rests, and how many of them agree."""
    seeds, alike = difference.seeds, difference.seeds_alike
    if seeds is None:
        return ", one set of predictions each"
    if seeds == 1:
        return ", one training each"
    if difference.mean == 0:
        return f", {seeds} trainings each"
    how = "alike" if difference.mean is None else "with this sign"
    return f", {how} in {alike} of {seeds} seeds"


def _too_few(difference: Difference) -> str:
    if difference.can_show:
        return ""
    cases = counted(difference.n + difference.n_left_out, "case")
    return f"They differ in {difference.n_differing} of {cases}, too few {_TO_SHOW}."


def _one_sided(difference: Difference) -> Iterator[str]:
    """What counts against a method though it is in no mean."""
    for count, method in (
        (difference.only_second, difference.first),
        (difference.only_first, difference.second),
    ):
        if count:
            verb = "counts" if count == 1 else "count"
            yield f"{counted(count, 'case')} undefined for {method} alone {verb} against it."


def _between(difference: Difference, measure: Measure, *, up: bool) -> str:
    """The interval of the mean, turned to the winner's side; empty where there is none."""
    if difference.ci95 is None:
        return f" ({difference.note})"
    low, high = difference.ci95 if up else (-difference.ci95[1], -difference.ci95[0])
    few = f"; {difference.note}" if difference.note else ""
    return f" (95 % CI {measure.written(low)} to {measure.written(high)}{few})"


def _amount(measure: Measure, value: float) -> str:
    return f"{measure.written(value)}{_unit(measure)}"


def _unit(measure: Measure) -> str:
    return f" {measure.unit}" if measure.unit not in ("", "count") else ""
