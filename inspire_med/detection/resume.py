"""Resume: whether what is asked for now is the training that a checkpoint is of.

mmengine takes the optimizer's state, its rate included, from the checkpoint, and the rest from the
config: a run that goes on with another one learns neither what that asks for nor what it began.
"""

import ast
from collections.abc import Iterator
from typing import Any

from mmengine.config import Config
from mmengine.runner import CheckpointLoader

from inspire_med.detection.settings import force
from inspire_med.errors import InputError

_LEARNT = (
    *("model", "optim_wrapper", "param_scheduler", "auto_scale_lr", "train_dataloader"),
    *("custom_hooks", "randomness"),
)
# What may change within those: where things lie, how fast they come, and what is done afterwards.
_FREE = {
    *("data_root", "ann_file", "data_prefix", "backend_args", "init_cfg", "test_cfg", "with_cp"),
    *("num_workers", "persistent_workers", "pin_memory", "prefetch_factor", "lazy_init"),
    *("deterministic", "diff_rank_seed"),
}
_ABSENT = "absent"


def check_run(file: str, config: Config) -> None:
    """Refuse to go on from what is no run, or from a run that learnt by other settings.

    A longer training, other paths and another number of workers are no other run.

    Args:
        file: The checkpoint.
        config: What is asked for now.

    Raises:
        InputError: If the file holds weights alone, or its config differs in what is learnt; the
            first setting that does is named.
    """
    checkpoint = CheckpointLoader.load_checkpoint(file, map_location="cpu", logger="silent")
    if not {"meta", "message_hub"} <= checkpoint.keys():
        raise InputError(
            f"{file}: holds weights, but no run to resume; start a new one from them by "
            f"--cfg-options load_from={file}."
        )
    text = checkpoint["meta"].get("cfg")
    if text is None:
        return  # of another program than mmengine's runner
    before = _settings(text, file)
    force(before)  # as `config` has been; other programs, and older ones of ours, do not
    # Through text and back, as the checkpoint's own has gone: tuples and the like come out alike.
    now = _settings(config.pretty_text, file)
    for name in _LEARNT:
        for place, was, asked in _differences(before.get(name), now.get(name), name):
            raise InputError(
                f"--resume: {place} was {was} in {file}, and {asked} is asked for; go on with "
                f"what it was, or start anew from its weights by --cfg-options load_from={file} "
                "in another --work-dir."
            )


def _settings(text: str, file: str) -> dict[str, Any]:
    """Read a config as mmengine writes it, assignments of plain values, without running it."""
    try:
        return {
            target.id: _value(line.value)
            for line in ast.parse(text).body
            if isinstance(line, ast.Assign)
            for target in line.targets
            if isinstance(target, ast.Name)
        }
    except (SyntaxError, ValueError, AttributeError) as error:
        raise InputError(
            f"{file}: its config cannot be read ({error}), so that nobody knows how it was "
            f"trained; start anew from its weights by --cfg-options load_from={file}."
        ) from None


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return {word.arg: _value(word.value) for word in node.keywords}
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {
            ast.literal_eval(key): _value(value)
            for key, value in zip(node.keys, node.values, strict=True)
            if key is not None
        }
    return ast.literal_eval(node)


def _differences(before: Any, now: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Places where two settings differ in what is learnt, with either value."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in [*before, *(key for key in now if key not in before)]:
            if key not in _FREE:
                pair = before.get(key, _ABSENT), now.get(key, _ABSENT)
                yield from _differences(*pair, f"{place}.{key}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, pair in enumerate(zip(before, now, strict=True)):
            yield from _differences(*pair, f"{place}.{number}")
    elif before != now:
        yield place, before, now
