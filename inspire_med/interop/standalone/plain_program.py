"""Refuse a file of `torch.export` that could run code while it is read; standard library alone.

`torch.export.load` unpickles what the file's tables tell it to, evaluates its sizes as Python and
looks its operations up by name. A program of plain tensors needs none of the first, sizes of plain
arithmetic, and torch's own operations.
"""

import ast
import json
import re
import zipfile
from pathlib import Path

_PARTS = re.compile(
    r"[^/]+/(archive_(format|version)|byteorder|\.data/(version|serialization_id)|models/model\.json"
    r"|data/(weights/weight_\d+|constants/tensor_\d+|sample_inputs/model\.pt)"
    r"|data/(weights/model_weights|constants/model_constants)_config\.json)"
)
_PAYLOAD = re.compile(r"(weight|tensor)_\d+")
_OPERATION = re.compile(
    r"torch\.ops\.aten\.\w+\.\w+|torch\.ops\.higher_order\.wrap_with_(autocast|set_grad_enabled)"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|neg|pow|getitem|eq|ne|lt|le|gt|ge|and_|or_|not_)"
    r"|math\.(ceil|floor|trunc)|torch\.sym_\w+"
)
_NAMES = {
    *("Add", "Mul", "Pow", "Integer", "Rational", "Symbol", "Max", "Min", "Mod", "PythonMod"),
    *("FloorDiv", "CeilDiv", "CleanDiv", "IntTrueDiv", "Not", "And", "Or", "Eq", "Ne", "L"),
    *("LessThan", "StrictLessThan", "GreaterThan", "StrictGreaterThan", "Equality", "Unequality"),
    *("min", "max"),
}
_ARITHMETIC = (
    *(ast.Expression, ast.Call, ast.keyword, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare),
    *(ast.Subscript, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context),
)


def refuse_code(file: str | Path) -> None:
    """Look at every part of the file.

    Raises:
        ValueError: If one of them could run code, or is none of a program's.
    """
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if not _PARTS.fullmatch(name):
                raise ValueError(f"{name} is no part of a program of plain tensors")
            if name.endswith("_config.json"):
                _refuse_pickles(name, json.loads(archive.read(name))["config"])
            elif name.endswith("model.json"):
                _refuse_expressions(name, json.loads(archive.read(name)))
            elif name.endswith(".pt") and archive.getinfo(name).file_size:
                raise ValueError(f"{name} would be unpickled")


def _refuse_pickles(name: str, config: dict[str, dict[str, object]]) -> None:
    for each in config.values():
        if each.get("use_pickle") is not False or not _PAYLOAD.fullmatch(str(each["path_name"])):
            raise ValueError(f"{name} tells of what would be unpickled")


def _refuse_expressions(name: str, content: object) -> None:
    """Walk through a graph: what would be evaluated is arithmetic, what is called is torch's."""
    if isinstance(content, list):
        for each in content:
            _refuse_expressions(name, each)
    elif isinstance(content, dict):
        for key, value in content.items():
            if key == "target" and not _OPERATION.fullmatch(str(value)):
                raise ValueError(f"{name} calls {value}")
            for code in {"expr_str": [value], "guards_code": value}.get(str(key), []):
                if not _is_arithmetic(str(code)):
                    raise ValueError(f"{name} has code where a size may stand")
            _refuse_expressions(name, value)


def _is_arithmetic(code: str) -> bool:
    return all(_is_plain(node) for node in ast.walk(ast.parse(code, mode="eval")))


def _is_plain(node: ast.AST) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _NAMES or re.fullmatch(r"[su]\d+", node.id) is not None
    if isinstance(node, ast.Attribute):
        return node.attr == "size"
    if isinstance(node, ast.Constant):
        text = (
            isinstance(node.value, str)
            and re.fullmatch(r"\w+", node.value)
            and "__" not in node.value
        )
        return isinstance(node.value, int | float) or bool(text)
    return isinstance(node, _ARITHMETIC)
