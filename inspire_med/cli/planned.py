"""Planned: the plan that a training goes by: made here, read from a file, or the run's own."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspire_med.cases.planning.plan import OPTIONS, Plan, read_plan
from inspire_med.cli.options import network_of_model
from inspire_med.cli.parser import CommandParser
from inspire_med.cli.progress import one_bar
from inspire_med.cli.run_folder import plan_of_run
from inspire_med.config import TrainConfig, dotted, with_options
from inspire_med.errors import InputError
from inspire_med.tasks.find import TASKS
from inspire_med.tasks.task import Task

if TYPE_CHECKING:
    from inspire_med.cases.manifest import Manifest

NONE = "none"
STOPPED_PLANNING = "stopped by a signal while the run was planned; the same command begins anew"
MADE = ("auto", "small", "large")
_NULL_IS_A_SIZE = ("data.spacing_mm", "data.image_size", "data.patch_size")  # each case's own


def plan_word(config: TrainConfig, task: Task) -> str:
    """What the plan is to be: that asked for, or by default `auto` for tasks that are not built in.

    Raises:
        InputError: If it is neither a known word nor a YAML file.
    """
    word = config.plan
    if word is None:
        return NONE if task.name in TASKS else "auto"
    if word not in (NONE, *MADE) and Path(word).suffix not in (".yaml", ".yml"):
        raise InputError(
            f"--plan: {word} is none of {', '.join((*MADE, NONE))}, and no YAML file; give one of "
            "these, or a plan that prepare --plan wrote."
        )
    return word


def known_plan(
    config: TrainConfig, manifest: "Manifest", say: Callable[[str], None]
) -> tuple[bool, Plan | None]:
    """Whether it is known what a run goes by without planning anew, and the plan, if it is one.

    It is what the run was begun with, or its store's: a store that was moved here has the plan that
    its cases were prepared by.
    """
    from inspire_med.training.movable import plan_of_store

    word = plan_word(config, manifest.task)
    begun, plan = plan_of_run(config.run)
    if plan is not None:
        say("plan: the run keeps what it was begun with")
    elif not begun and config.plan is None:
        plan = plan_of_store(config, manifest)
        if plan is not None:
            say("plan: the store's, by which its cases were prepared")
    return begun or plan is not None or word == NONE, plan


def asked_options(parser: CommandParser, words: Sequence[str], task: Task) -> frozenset[str]:
    """Options, by dotted name, that a person asked for: in words, a file, or an own task.

    With a model to begin with, its network is asked for too. Null asks for nothing, but where it
    is a size.
    """
    plain = [word for word in words if word != "--debug"]
    asked = parser.parse_args(parser.spell_out(plain), defaults=False)
    stated = dotted(asked.as_dict())
    if asked.get("init") is not None:
        with suppress(InputError):  # of a run that has begun it may be gone
            stated = network_of_model(Path(asked["init"])) | stated
    if task.name not in TASKS:
        stated = dotted(task.training) | stated
    given = {name for name in stated if stated[name] is not None or name in _NULL_IS_A_SIZE}
    if task.name not in TASKS:
        sizes = {"data.spacing_mm": "spacing_mm", "data.image_size": "image_size"}
        given |= {name for name, own in sizes.items() if getattr(task.preparation, own) is not None}
    return frozenset(given)


def made_plan(
    config: TrainConfig,
    manifest: "Manifest",
    asked: frozenset[str],
    *,
    processes: int,
    say: Callable[[str], None],
) -> Plan | None:
    """Find a run's plan as `find_plan`, unless a signal ends it.

    Raises:
        SignalledError: At a signal; nothing is kept.
        InputError: As `find_plan`.
    """
    from inspire_med.training.stopping import ended_by_signals

    with ended_by_signals():
        return find_plan(config, manifest, asked, processes=processes, say=say)


def find_plan(
    config: TrainConfig,
    manifest: "Manifest",
    asked: frozenset[str],
    *,
    processes: int = 1,
    say: Callable[[str], None],
) -> Plan | None:
    """Make a run's plan or read it; None if it goes without.

    Args:
        config: Its options.
        manifest: The data set.
        asked: Names of the options that win over a plan.
        processes: That share a batch.
        say: Hears each decision, with its reason.

    Raises:
        InputError: If the file is no plan, a case cannot be read, or there is no room.
    """
    from inspire_med.config_checks import unread_sizes

    word = plan_word(config, manifest.task)
    if word == NONE:
        return None
    own = {name: attrgetter(option)(config) for name, option in OPTIONS.items() if option in asked}
    if word in MADE:
        given = {name: value for name, value in own.items() if value is not None}
        plan = _made(word, config, manifest, given, processes, say)
    else:
        plan = _read(Path(word), manifest.task)
    said = {name: f"as asked for ({OPTIONS[name]})" for name in own}
    plan = replace(plan, **own).because(**said)
    unread = unread_sizes(config.network)
    for line in plan.lines([name for name, option in OPTIONS.items() if option not in unread]):
        say(f"plan: {line}")
    return plan


def _read(file: Path, task: Task) -> Plan:
    plan = read_plan(file)
    if plan.spatial_dims != task.spatial_dims:
        kinds = {2: "pictures", 3: "volumes"}
        raise InputError(
            f"{file}: plans for {kinds[plan.spatial_dims]}, and {task.name} is of "
            f"{kinds[task.spatial_dims]}; give a plan of its own, or --plan auto."
        )
    return plan


def by_plan(config: TrainConfig, plan: Plan | None, asked: frozenset[str]) -> TrainConfig:
    """The training by its plan; what was asked for wins."""
    from inspire_med.config_checks import unread_sizes

    if plan is None:
        return config
    left_out = asked | unread_sizes(config.network)
    options = {name: value for name, value in plan.options().items() if name not in left_out}
    return with_options(config, options)


def _made(
    word: str,
    config: TrainConfig,
    manifest: "Manifest",
    given: Mapping[str, Any],
    processes: int,
    say: Callable[[str], None],
) -> Plan:
    from inspire_med.cases.fingerprint import fingerprint_of
    from inspire_med.cases.intensity import with_scheme
    from inspire_med.cases.planning.means import Shares
    from inspire_med.training.launch import find_launcher
    from inspire_med.training.means import find_means
    from inspire_med.training.planning import make_plan

    training, _ = manifest.fold(config.fold if isinstance(config.fold, int) else None)
    preparation = with_scheme(manifest.task.preparation, config.data.intensity)
    with one_bar("reading cases for the plan") as advance:
        fingerprint = fingerprint_of(
            training,
            manifest.channels,
            manifest.regions,
            preparation,
            workers=max(config.data.workers, 1),
            progress=advance,
        )
    for line in fingerprint.lines():
        say(f"data: {line}")
    shares = Shares(processes, find_launcher(config.devices).here, config.data.accumulate)
    return make_plan(config, manifest, fingerprint, find_means(word, shares), given)
