"""Change a room's code in many small ways, one at a time: its tests must notice each.

    pip install mutmut==3.8.1
    python scripts/bench/mutants.py blocks
    python scripts/bench/mutants.py evaluation --sample 400 --seed 0
    python scripts/bench/mutants.py blocks --again          only what was not killed last time

Mutmut makes the mutants (in `mutants/`) and runs, for each, the room's quick tests that reach the
changed function. Its changes of strings are left out: they are messages, names of keys and columns
that other tests compare. Added are those a formula is most easily wrong by: the first two arguments
of a call swapped, and a function for its opposite. The table counts a mutant that no test reaches
as one that survived, and one that a test never came back from as killed.
"""

import argparse
import ast
import math
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # a forked process has none of its parent's threads

import libcst as cst
import mutmut.__main__ as tool
from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from mutmut import configuration
from mutmut.mutation import mutators
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.workers import isolation

# What tests import late is imported once, before the processes of the mutants part.
for name in ("torch", "monai", "scipy.stats", "matplotlib.pyplot", "pandas", "nibabel", "SimpleITK",
             "jsonargparse", "jinja2", "PIL.Image", "cc3d", "edt", "rich.progress"):  # fmt: skip
    import_module(name)

# Always the same examples, and no search for the smallest that fails.
hypothesis_settings.register_profile(
    "mutants",
    parent=hypothesis_settings.get_profile("ci"),
    max_examples=60,
    phases=(Phase.explicit, Phase.generate),
)

ROOT = Path(__file__).parents[2]
OPPOSITES = [("min", "max"), ("minimum", "maximum"), ("amin", "amax"), ("argmin", "argmax"),
             ("any", "all"), ("floor", "ceil"), ("sum", "mean"), ("zeros", "ones"),
             ("zeros_", "ones_"), ("zeros_like", "ones_like")]  # fmt: skip
OPPOSITE = dict(OPPOSITES) | {b: a for a, b in OPPOSITES}
COMMANDS = {"evaluation": ["tests/test_evaluate.py"]}
DEAD = ("killed", "timeout", "segfault")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("room", help="a folder of inspire_med with tests of the same name")
    parser.add_argument("--sample", type=int, help="so many mutants at random; all if left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true", help="only those not killed last time")
    options = parser.parse_args()
    os.chdir(ROOT)
    if not options.again:
        shutil.rmtree("mutants", ignore_errors=True)
    Path("mutants").mkdir(exist_ok=True)
    prepare(options.room)

    drawn = Path("mutants/drawn.txt")
    if options.again:
        names = drawn.read_text().split("\n")
        tool._run([n for n in names if status(n) not in DEAD], max_children=1)
    else:
        names = sorted(set(results()) - at_import(options.room))
        if options.sample and options.sample < len(names):
            names = sorted(random.Random(options.seed).sample(names, options.sample))
        drawn.write_text("\n".join(names))
        tool._run(names, max_children=1)
    report(names)


def prepare(room: str) -> None:
    """Configure mutmut for one room and write its mutants."""
    mutators.mutation_operators = [
        (node, operator)
        for node, operator in mutators.mutation_operators
        if operator is not mutators.operator_string
    ]
    mutators.mutation_operators += [(cst.Call, swapped), (cst.Call, opposite)]
    file_mutation = tool.sys.modules["mutmut.mutation.file_mutation"]
    file_mutation.mutation_operators = mutators.mutation_operators

    settings = configuration.config()
    settings.only_mutate = [f"inspire_med/{room}/*"]
    settings.pytest_add_cli_args_test_selection = [f"tests/{room}", *COMMANDS.get(room, [])]
    tool.copy_src_dir()
    tool.create_mutants(1)
    collect = tool.collect_or_load_stats
    submit = isolation.ForkServerRunner.submit

    def collect_and_widen(*args: object, **kwargs: object) -> None:
        collect(*args, **kwargs)
        widen()

    def submit_quick_first(self: object, mutant: str, tests: list[str], *limits: object) -> None:
        submit(self, mutant, sorted(tests, key=state().duration_by_test.__getitem__), *limits)

    tool.collect_or_load_stats = collect_and_widen
    isolation.ForkServerRunner.submit = submit_quick_first
    isolation.ForkServerRunner.run_clean_tests = lambda *_, **__: 0  # collecting ran them all


def widen() -> None:
    """Give a function that one or two tests reach all tests that reach its file.

    Where an answer is kept (lru_cache), only the first test that asks for it is seen.
    """
    tests = state().tests_by_mangled_function_name
    of_file: dict[str, set[str]] = {}
    for function, reaching in tests.items():
        of_file.setdefault(function.partition(".x")[0], set()).update(reaching)
    for function, reaching in tests.items():
        if len(reaching) < 3:
            tests[function] = of_file[function.partition(".x")[0]]


def swapped(call: cst.Call) -> Iterable[cst.Call]:
    """f(a, b, ...) to f(b, a, ...)."""
    first = call.args[:2]
    if len(first) == 2 and not any(a.star or a.keyword for a in first):
        one, two = first
        if one.value.deep_equals(two.value):
            return
        args = [one.with_changes(value=two.value), two.with_changes(value=one.value)]
        yield call.with_changes(args=[*args, *call.args[2:]])


def opposite(call: cst.Call) -> Iterable[cst.Call]:
    """min(...) to max(...), x.any() to x.all(), and the like."""
    name = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    if isinstance(name, cst.Name) and name.value in OPPOSITE:
        yield call.with_deep_changes(name, value=OPPOSITE[name.value])


def at_import(room: str) -> set[str]:
    """Mutants of functions that modules call while they are imported.

    Mutmut changes a function when its module has been imported, which is too late for these.
    """
    called: set[str] = set()
    for path in Path("inspire_med", room).rglob("*.py"):
        todo: list[ast.AST] = [ast.parse(path.read_text())]
        while todo:
            node = todo.pop()
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                called.add(node.func.id)
            if not isinstance(node, ast.FunctionDef):
                todo.extend(ast.iter_child_nodes(node))
    return {n for n in results() if n.partition(".x_")[2].partition("__mutmut_")[0] in called}


def results() -> dict[str, int | None]:
    """Exit status of every mutant's tests; None where they have not run."""
    mutants, _ = tool.collect_source_file_mutation_data(mutant_names=())
    return {name: code for _, name, code in mutants}


def status(name: str) -> str:
    return status_by_exit_code[results()[name]]


def report(names: list[str]) -> None:
    """Print what survived, and the score."""
    found = results()
    counts = Counter(status_by_exit_code[found[name]] for name in names)
    for name in names:
        if status_by_exit_code[found[name]] not in DEAD:
            print(f"\n# {name}: {status_by_exit_code[found[name]]}\n{get_diff_for_mutant(name)}")
    dead, n = sum(counts[s] for s in DEAD), len(names)
    low, high = wilson(dead, n)
    print(f"\n{n} of {len(found)} mutants, {dead} killed: {100 * dead / n:.1f} %", end=" ")
    print(f"(95 % interval {100 * low:.1f} to {100 * high:.1f}); {dict(counts)}")


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Give the 95 % interval of a share (Wilson 1927)."""
    z, p = 1.96, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


if __name__ == "__main__":
    main()
