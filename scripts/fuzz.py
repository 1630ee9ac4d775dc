"""Try the properties that tests state on other examples than `make test` does, until time is up.

    python scripts/fuzz.py --minutes 30 --seed 0

Round k runs every test by hypothesis in a process of its own, with seed + k and the profile `fuzz`
of tests/conftest.py; the last round is broken off. A test that failed, hung or brought its process
down is named with the command that does it again, and left out from then on. Exit status 1 if there
is one.
"""

import argparse
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
HANGS_AFTER = 600  # seconds for all examples of a property in one round
MEMORY = 16 * 2**30  # bytes of address space; beyond it allocations fail
COUNTS = re.compile(r"^(\S+::[^\n]*):\n(.*?)(?=^\S|\Z)", re.M | re.S)
STARTED = re.compile(
    r"^(tests/\S+?::[^\s\[]+(?:\[.*?\](?= ))?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL)?", re.M
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0, help="how long to go on")
    parser.add_argument("--seed", type=int, default=0, help="of the first round; then one more")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # those that we start have it too
    end = time.monotonic() + 60 * options.minutes
    examples: Counter[str] = Counter()
    failed: dict[str, int] = {}
    seed = options.seed
    while (left := end - time.monotonic()) > 0:
        output = run_round(seed, left, leave_out=list(failed))
        tried = examples_of(output)
        examples.update(tried)
        for name in failures_of(output):
            failed[name] = seed
            show(name, seed, output)
        print(f"seed {seed}: {len(tried)} tests, {tried.total()} examples", flush=True)
        seed += 1
    report(examples, failed)
    print(
        f"{len(examples)} properties, {examples.total()} examples in {options.minutes:g} min, "
        f"seeds {options.seed} to {seed - 1}: {len(failed)} failed"
    )
    return int(bool(failed) or not examples)


def run_round(seed: int, seconds: float, leave_out: list[str]) -> str:
    """What pytest says of all properties with one seed; it is interrupted when time is up."""
    files = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "hypothesis" in path.read_text()
    ]
    random.Random(seed).shuffle(files)  # a round that is broken off has tried some of everything
    command = [
        *pytest(seed), "--verbose", "--hypothesis-show-statistics", "--tb=short", *files,
        "-o", f"faulthandler_timeout={HANGS_AFTER}", "-o", "faulthandler_exit_on_timeout=true",
        *(word for name in leave_out for word in ("--deselect", name)),
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        return process.communicate()[0]


def pytest(seed: int) -> list[str]:
    plugins = ["-p", "no:cacheprovider"]
    profile = ["--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}"]
    return [sys.executable, "-m", "pytest", "-m", "hypothesis", *plugins, *profile]


def examples_of(output: str) -> Counter[str]:
    """How many examples each test had, by hypothesis's statistics."""
    counts: Counter[str] = Counter()
    for name, text in COUNTS.findall(output):
        found = re.findall(r"(\d+) passing, (\d+) failing,", text)
        if found:
            counts[name] += sum(int(number) for pair in found for number in pair)
    return counts


def failures_of(output: str) -> list[str]:
    """Tests that failed, and the one that was running when the process died."""
    started = STARTED.findall(output)
    failed = [name for name, word in started if word in ("FAILED", "ERROR")]
    died = not re.search(r"^=+ .* in [\d.]+s.* =+$", output, re.M)
    return [*failed, *(name for name, word in started[-1:] if died and not word)]


def show(name: str, seed: int, output: str) -> None:
    """A failure: how to have it again, and what pytest said."""
    title = re.escape(name.split("::", 1)[1].replace("::", "."))
    told = re.search(rf"^_+ {title} _+$.*?(?=^_{{5,}} |^=+ |\Z)", output, re.M | re.S)
    print(f"FAILED {name}\n  {' '.join(pytest(seed))} '{name}'")
    print(told[0] if told else output[output.rfind(name) :][:2000], flush=True)


def report(examples: Counter[str], failed: dict[str, int]) -> None:
    """A line each property: its examples, those of all its cases together; then what failed."""
    counts: Counter[str] = Counter()
    for name, count in examples.items():
        counts[name.partition("[")[0]] += count
    for name, count in sorted(counts.items()):
        print(f"{count:8}  {name}")
    for name, seed in sorted(failed.items()):
        print(f"FAILED with seed {seed}: {name}")


if __name__ == "__main__":
    sys.exit(main())
