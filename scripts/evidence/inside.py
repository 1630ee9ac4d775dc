"""What the parts of INSPIRE do in a trained network of pictures, and what they are worth to it.

    python scripts/evidence/inside.py --run RUN --manifest TEST.json [--cases 30] [--off 10]

Of --cases pictures, evenly spread, it prints for each part and level what `look_inside` sees, as
means over pixels: of the whole picture, on what the label marks, and beside it. Of --off pictures
it prints how many pixels change sides, as a share of those predicted, where a part is switched
off: λ = 0, no displacement, no feedback.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from inspire_med.cases.case import Case
from inspire_med.cases.manifest import Manifest
from inspire_med.cases.prepare import prepare_case
from inspire_med.inference.members import read_members
from inspire_med.networks.inside import look_inside
from inspire_med.provenance import code_commit

Prepared = Callable[[Case], tuple[Tensor, Tensor]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--off", type=int, default=10)
    given = parser.parse_args()
    member, *_ = read_members([given.run])
    manifest = Manifest.load(given.manifest)
    cases = [case for case in manifest.cases if case.label is not None]

    def prepared(case: Case) -> tuple[Tensor, Tensor]:
        """Its image, (1, channels, *size), and where its label marks something."""
        ready = prepare_case(case, member.card.channels, manifest.regions, member.card.preparation)
        return ready.image_tensor()[None], torch.from_numpy(ready.target.max(0) > 0)

    print(f"commit {code_commit()}, {given.run}, {given.manifest}")
    rows = [
        row for case in spread(cases, given.cases) for row in seen(member.network, *prepared(case))
    ]
    table = pd.DataFrame(rows, columns=["part", "level", "all", "on it", "beside it"])
    print(table.groupby(["part", "level"]).mean().round(4).to_string())
    for name, answers in switches(member.network).items():
        print(f"{name}: {turned(member.network, answers, spread(cases, given.off), prepared)}")


def spread(cases: Sequence[Case], most: int) -> Sequence[Case]:
    return cases[:: max(1, len(cases) // most)][:most]


def seen(network: Any, image: Tensor, marked: Tensor) -> Iterator[tuple[Any, ...]]:
    """Means of everything that is seen inside of one picture."""
    size, found = image.shape[2:], look_inside(network, image)
    for each in found.enhanced:
        over = each.attention.flatten(1)
        yield "ISE: attention", each.level, *means(each.attention_on(size), marked)
        yield "ISE: its SD over channels", each.level, over.mean(1).std().item(), None, None
        yield "ISE: its SD over places", each.level, over.std(1).mean().item(), None, None
        yield "ISE: change", each.level, *means(each.amount_on(size), marked)
    for each in found.merged:
        yield "ISA: weight", each.level, *means(each.weight_on(size), marked)
        if (flow := each.flow_on(size)) is not None:
            yield "ISA: displacement, pixels", each.level, *means(flow.norm(dim=0), marked)
    for each in found.fed_back:
        yield "SSBA: change", each.level, *means(each.amount_on(size), marked)


def means(values: Tensor, marked: Tensor) -> list[float]:
    return [float(part.mean()) for part in (values, values[marked], values[~marked])]


def switches(network: Any) -> dict[str, dict[nn.Module, Callable[..., Any]]]:
    """By name what modules answer in place of their own, so that a part does nothing."""

    def nothing(_module: nn.Module, _given: Any, answer: Tensor) -> Tensor:
        return torch.zeros_like(answer)

    found: dict[str, dict[nn.Module, Callable[..., Any]]] = {}
    for level, merge in enumerate(network.top_down.merges, start=1):
        alignment = getattr(merge.merge, "alignment", None)
        if alignment is not None:
            found[f"ISA into level {level}, weight 0"] = {alignment.similarity: nothing}
            if hasattr(alignment.align, "flow"):
                found[f"ISA into level {level}, no displacement"] = {alignment.align.flow: nothing}
    if feedback := list(getattr(network, "feedback", None) or ()):
        found["no feedback"] = dict.fromkeys(feedback, lambda _module, given, _answer: given[1])
    return found


@torch.no_grad()
def turned(
    network: nn.Module,
    answers: dict[nn.Module, Callable[..., Any]],
    cases: Sequence[Case],
    prepared: Prepared,
) -> str:
    """How much the network's own answers differ from those without a part."""
    changed = predicted = 0
    most = 0.0
    for case in cases:
        image, _ = prepared(case)
        own = final(network(image))
        hooks = [module.register_forward_hook(answer) for module, answer in answers.items()]
        without = final(network(image))
        for hook in hooks:
            hook.remove()
        changed += int(((own > 0) != (without > 0)).sum())
        predicted += int((own > 0).sum())
        most = max(most, float((own - without).abs().max()))
    return (
        f"{changed:,} pixels change sides, {100 * changed / max(predicted, 1):.1f} % of those "
        f"predicted; a logit by {most:.4f} at most"
    )


def final(answer: Any) -> Tensor:
    """Logits of the last pass."""
    return answer if isinstance(answer, Tensor) else answer[0]


if __name__ == "__main__":
    main()
