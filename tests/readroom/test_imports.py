"""The import table of the design, enforced: boxes know the contract and themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOXES = ("ingest", "workers", "aggregator", "dashboards", "models")
#: What each folder may import of the others.
ALLOWED: dict[str, tuple[str, ...]] = {
    "ingest": (),
    "workers": ("models",),
    "aggregator": (),
    "dashboards": (),
    "models": (),
}
#: Modules of the contract that import boxes when a command runs, and only then.
LATE = (
    "cli.py",
    "doctor.py",
    "analysing/command.py",
    "analysing/outputs.py",
    "analysing/video.py",
)


def imported(tree: ast.AST, package: str) -> Iterator[tuple[str, bool]]:
    """Every module that a file imports, absolute, and whether at its top level (a TYPE_CHECKING
    block is top level too: a type is a dependency)."""
    inside: set[ast.AST] = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside.update(ast.walk(function))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node not in inside
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            # What is imported from a package may be a module itself.
            for alias in node.names:
                yield f"{base}.{alias.name}", node not in inside


def box_of(module: str) -> str | None:
    """The box that a module of ours belongs to."""
    parts = module.split(".")
    return parts[1] if parts[0] == "readroom" and len(parts) > 1 and parts[1] in BOXES else None


def files_of(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def read(path: Path, package: str) -> list[tuple[str, bool]]:
    return list(imported(ast.parse(path.read_text("utf-8"), str(path)), package))


@pytest.mark.parametrize("box", BOXES)
def test_a_box_imports_the_contract_and_itself_only(box: str) -> None:
    for path in files_of(box):
        package = ".".join(["readroom", *path.relative_to(ROOT).parent.parts])
        for module, _ in read(path, package):
            other = box_of(module)
            allowed = other in (None, box, *ALLOWED[box])
            assert allowed, f"{path.relative_to(ROOT)} imports {module}"
            assert module.split(".")[0] not in BOXES, f"{path.relative_to(ROOT)}: {module}"


CONTRACT = tuple(
    path.relative_to(ROOT / "readroom").as_posix()
    for folder in ("readroom", "readroom/sessions", "readroom/analysing")
    for path in sorted((ROOT / folder).glob("*.py"))
)


@pytest.mark.parametrize("name", CONTRACT)
def test_the_contract_imports_no_box_before_a_command_needs_it(name: str) -> None:
    path = ROOT / "readroom" / name
    package = ".".join(["readroom", *Path(name).parent.parts])
    late = [top for module, top in read(path, package) if box_of(module)]
    for module, _ in read(path, package):
        assert module.split(".")[0] not in BOXES, module
        assert not box_of(module) or name in LATE, f"{name} imports {module}"
    assert not any(late), f"{name} imports a box at its top"
    assert bool(late) == (name in LATE), f"{name} imports no box"


def test_nobody_anywhere_imports_a_box_by_its_folders_own_name() -> None:
    for folder in ("tests", "benchmarks", "docs", "deploy"):
        for path in files_of(folder):
            for module, _ in read(path, ".".join(path.relative_to(ROOT).parent.parts)):
                assert module.split(".")[0] not in BOXES, f"{path.relative_to(ROOT)}: {module}"


def test_the_running_service_needs_nothing_that_only_its_tests_or_benchmarks_have() -> None:
    for folder in ("readroom", *BOXES):
        paths = sorted((ROOT / folder).glob("*.py")) if folder == "readroom" else files_of(folder)
        for path in paths:
            for module, _ in read(path, "readroom"):
                assert module.split(".")[0] not in ("tests", "benchmarks", "docs", "pytest"), path


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import readroom.workers.process", [("readroom.workers.process", True)]),
        ("from readroom import workers", [("readroom.workers", True)]),
        ("from readroom.models import registry", [("readroom.models.registry", True)]),
        ("from . import x", [("readroom.ingest.x", True)]),
        ("from ..workers import x", [("readroom.workers.x", True)]),
        ("def f():\n    import ingest", [("ingest", False)]),
        ("if TYPE_CHECKING:\n    import ingest", [("ingest", True)]),
        ("class A:\n    import ingest", [("ingest", True)]),
    ],
)
def test_no_way_to_import_is_overlooked(line: str, found: list[tuple[str, bool]]) -> None:
    assert list(imported(ast.parse(line), "readroom.ingest")) == found


def test_every_box_is_reached_through_the_package() -> None:
    for box in BOXES:
        link = ROOT / "readroom" / box
        assert link.resolve() == ROOT / box
        assert files_of(box), f"{box} holds no code"
