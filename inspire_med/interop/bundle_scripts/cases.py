"""Cases: which files are of which channel, in a folder or in a list."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

CASE = "case"  # the key of a case's id, the name of its mask's file


def find_cases(
    dataset_dir: str, datalist: str, keys: Mapping[str, Sequence[str]], suffixes: Sequence[str]
) -> list[dict[str, str]]:
    """Find the files of each case.

    Args:
        dataset_dir: Folder in which they lie, however deep; files of a list are relative to it.
        datalist: A JSON file: entries under `testing`, or a list of them. Each names a file for
            each channel, or under `image` all in the order of the channels. Empty takes the folder.
        keys: Channel to what files of it end in, before their suffix; one channel that has no such
            word takes every file.
        suffixes: Of the files.

    Raises:
        ValueError: If there is none, if one lacks a channel, or if two have one id.
    """
    folder = Path(dataset_dir)
    words = {word: key for key, own in keys.items() for word in own}
    found: dict[str, dict[str, str]] = {}
    entries = _listed(Path(datalist), folder, list(keys)) if datalist else _lying(folder, suffixes)
    for given, path in entries:
        case, key = _told(path, words, suffixes)
        key = given[1] or key or ("" if words else next(iter(keys)))
        case = given[0] or case
        if not key:
            continue
        own = found.setdefault(case, {CASE: case})
        if key in own:
            raise ValueError(f"case {case}: both {own[key]} and {path} are its {key}")
        own[key] = str(path)
    for case, own in found.items():
        if missing := [key for key in keys if key not in own]:
            raise ValueError(f"{folder}: case {case} has no {', '.join(missing)}")
    if not found:
        raise ValueError(f"{folder}: no case with {', '.join(keys)} in it")
    return [found[case] for case in sorted(found)]


Entry = tuple[tuple[str, str], Path]  # case and channel, where they are said, and the file


def _lying(folder: Path, suffixes: Sequence[str]) -> Iterator[Entry]:
    for path in sorted(folder.rglob("*")):
        if path.name.lower().endswith(tuple(suffixes)) and not path.name.startswith("."):
            yield ("", ""), path


def _listed(datalist: Path, folder: Path, keys: Sequence[str]) -> Iterator[Entry]:
    content: Any = json.loads(datalist.read_text(encoding="utf-8"))
    for place, entry in enumerate(content["testing"] if isinstance(content, dict) else content):
        files = entry.get("image", entry)
        if isinstance(files, str):
            files = [files]
        if isinstance(files, list):
            if len(files) != len(keys):
                raise ValueError(f"{datalist}: entry {place} has not one image a channel ({keys})")
            files = dict(zip(keys, files, strict=True))
        own = {key: files[key] for key in keys if key in files}
        case = str(entry.get("id", "")) or _shared_name(list(own.values()))
        for key, file in own.items():
            yield (case, key), folder / file


def _shared_name(files: Sequence[str]) -> str:
    """What the names of a case's files begin with."""
    names = [Path(file).name for file in files]
    if len(names) == 1:
        return ""
    alike = 0
    while all(len(name) > alike and name[alike] == names[0][alike] for name in names):
        alike += 1
    return names[0][:alike].rstrip("_-.")


def _told(path: Path, words: Mapping[str, str], suffixes: Sequence[str]) -> tuple[str, str]:
    """Case and channel by a file's name; no channel where it ends in none."""
    stem = next((path.name[: -len(s)] for s in suffixes if path.name.lower().endswith(s)), "")
    for word in sorted(words, key=len, reverse=True):
        if match := re.fullmatch(rf"(.+)[_\-.]{re.escape(word)}", stem, re.IGNORECASE):
            return match[1], words[word]
    return stem, ""
