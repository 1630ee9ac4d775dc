"""Findings: what the paired tests show, in plain sentences, and what they do not."""

from collections.abc import Iterator, Mapping, Sequence

from inspire_med.evaluation.measures.measure import Measure
from inspire_med.evaluation.statistics.paired import ALPHA, Difference
from inspire_med.reports.formatting import counted

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
            f"No difference shown in {len(left)} of {counted(len(asked), 'comparison')}{too_few}."
        )
    return sentences


def sentence(difference: Difference, measure: Measure) -> str:
    """What one comparison shows; methods differ where p after Holm is below `ALPHA`."""
    title = f"absolute {measure.title.lower()}" if measure.better == "zero" else measure.title
    where = f"{title} of {difference.region}"
    if difference.p is None:
        pair = f"{difference.first} and {difference.second}"
        return f"{pair} cannot be compared in {where}: no case has a value."
    told = _shown if difference.shown else _not_shown
    said = (told(difference, measure, where), _too_few(difference), _in_seeds(difference))
    return " ".join((*filter(None, said), *_one_sided(difference)))


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
    """A rank-biserial correlation with its sign: `+0.70`, `−1.00`."""
    return "–" if effect is None else f"{round(effect, 2) + 0.0:+.2f}".replace("-", "−")


def _shown(difference: Difference, measure: Measure, where: str) -> str:
    first_wins = (difference.rank_biserial or 0) > 0
    methods = (difference.first, difference.second)
    winner, loser = methods if first_wins else methods[::-1]
    p = f"p\u00a0{p_text(difference.p_holm)} after Holm"
    if difference.mean is None:
        return f"{winner} is better than {loser} in {where}, {p}: no case has a value of both."
    up = first_wins == (measure.better == "high")  # whether a rise of the difference is its gain
    gain = difference.mean if up else -difference.mean
    if gain <= 0:
        return (
            f"{winner} is better than {loser} in {where} by signed ranks ({p}), but not in the "
            f"mean, where it is worse by {_amount(measure, -gain)}: look at the cases."
        )
    return (
        f"{winner} is better than {loser} in {where} by {_amount(measure, gain)}"
        f"{_between(difference, measure, up=up)}, {p}."
    )


def _not_shown(difference: Difference, measure: Measure, where: str) -> str:
    pair = f"No difference shown between {difference.first} and {difference.second} in {where}"
    p = f"p\u00a0{p_text(difference.p_holm)} after Holm"
    if difference.mean is None:
        return f"{pair}: no case has a value of both, {p}."
    mean = f"{signed(measure, difference.mean)}{_unit(measure)}"
    return f"{pair}: mean {mean}{_between(difference, measure, up=True)}, {p}."


def _too_few(difference: Difference) -> str:
    if difference.can_show:
        return ""
    cases = counted(difference.n + difference.n_left_out, "case")
    return f"They differ in {difference.n_differing} of {cases}, too few {_TO_SHOW}."


def _in_seeds(difference: Difference) -> str:
    """How many trainings the sign rests on; nothing of one training, or where no mean has one."""
    if difference.seeds in (None, 1) or not difference.mean:
        return ""
    return f"The mean has this sign in {difference.seeds_alike} of {difference.seeds} seeds."


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
        return ""
    low, high = difference.ci95 if up else (-difference.ci95[1], -difference.ci95[0])
    return f" (95 % CI {measure.written(low)} to {measure.written(high)})"


def _amount(measure: Measure, value: float) -> str:
    return f"{measure.written(value)}{_unit(measure)}"


def _unit(measure: Measure) -> str:
    return f" {measure.unit}" if measure.unit not in ("", "count") else ""
