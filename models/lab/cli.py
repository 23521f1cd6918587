"""``readroom lab …``: one command each, from a set of pictures to a network that ships.

What needs PyTorch is imported inside the commands, so that asking for help needs none.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Any

import typer

from readroom.errors import BadSettings

app = typer.Typer(
    help="The lab: look at data, train, measure, look into and export a network of your own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Data = Annotated[
    Path,
    typer.Argument(
        help="Pictures: a folder per class, fer2013.csv, or a folder with train.npz and valid.npz."
    ),
]
Out = Annotated[Path, typer.Option(help="Folder to write to; it may come to hold people's faces.")]
Split = Annotated[str, typer.Option(help="Which pictures are measured on.")]
#: What the shipped network was trained with.
RECIPE = Path(__file__).with_name("expression.toml")
PROTOTYPE = Path(__file__).with_name("prototype.toml")


def _reference() -> Path | None:
    """The network that costs are compared with, where it is at hand."""
    from readroom.models.files import find
    from readroom.models.registry import REGISTRY
    from readroom.settings import load_settings

    return find(load_settings(), REGISTRY["faceapi_expression"])


def _needs(*packages: str) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise BadSettings(
            f"the lab needs {' and '.join(missing)}: pip install -c constraints.txt -e '.[lab]'"
        )


@app.command()
def data(data: Data, out: Out) -> None:
    """What a set of pictures is worth: duplicates, blanks, labels that disagree; a report."""
    from readroom.models.lab.data_report import run_data

    run_data(data, out)


@app.command()
def baseline(
    data: Data,
    out: Out,
    networks: Annotated[
        list[Path] | None,
        typer.Option("--network", help="ONNX files that stand in the same table."),
    ] = None,
    split: Split = "valid",
    prototype: Annotated[
        bool, typer.Option(help="Train the small network of the first prototypes, too.")
    ] = True,
) -> None:
    """What simple methods reach: the most frequent class; HOG and LBP with a linear classifier;
    the small network of the first prototypes."""
    _needs("onnx")
    from readroom.models.lab.baselines import run_baseline
    from readroom.models.lab.evaluate import load_classifier

    compared = list(networks or ())
    for path in compared:
        load_classifier(path)  # What is wrong with it is better told before the training.
    if prototype:
        _needs("torch", "onnxscript")
        compared.append(_prototype(data, out))
    run_baseline(data, out, split=split, networks=compared, reference=_reference())


def _prototype(data: Path, out: Path) -> Path:
    from readroom.models.lab.course import exported, run_course
    from readroom.models.lab.prepare import prepare
    from readroom.models.lab.recipe import read_recipe

    recipe = read_recipe(PROTOTYPE)
    prepared = prepare(data, recipe.held_out)
    run_course(recipe, prepared, out / "prototype")
    path = out / "prototype.onnx"
    path.write_bytes(exported(out / "prototype", prepared).body)
    return path


@app.command()
def train(
    data: Data,
    out: Annotated[
        Path, typer.Option(help="Folder of the run; one that is there is gone on with.")
    ],
    recipe: Annotated[Path, typer.Option(help="Recipe, TOML or JSON.")] = RECIPE,
    architecture: Annotated[str | None, typer.Option(help="Another network of the lab.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the pictures; for teachers at most.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another start.")] = None,
    teachers: Annotated[bool, typer.Option(help="Train the recipe's teachers first.")] = True,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; default: as PyTorch decides.")
    ] = None,
) -> None:
    """Train the expression network; stop it and start it again as you like."""
    _needs("torch")
    import msgspec
    import torch

    from readroom.models.lab.course import run_course
    from readroom.models.lab.networks import build
    from readroom.models.lab.prepare import prepare
    from readroom.models.lab.recipe import read_recipe

    if threads is not None:
        torch.set_num_threads(threads)
    wanted = read_recipe(recipe)
    if epochs is not None:
        wanted = wanted.over(epochs)
    given = {"architecture": architecture, "seed": seed, "teachers": None if teachers else ()}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    wanted = msgspec.structs.replace(wanted, **changes)
    for name in (wanted.architecture, *wanted.teachers):
        build(name)  # What isn't known is better told before the data is read.
    prepared = prepare(data, wanted.held_out)
    dropped = ", ".join(f"{count} {reason}" for reason, count in prepared.dropped.items() if count)
    typer.echo(
        f"{len(prepared.train)} pictures to learn from, {len(prepared.held_out)} kept apart to "
        f"choose by; taken out: {dropped or 'none'}"
    )
    run_course(wanted, prepared, out)
    typer.echo(f"{out}: trained; next: readroom lab export {out} --data {data} --out FILE.onnx")


@app.command()
def evaluate(
    networks: Annotated[
        list[Path], typer.Argument(help="ONNX networks, and baselines that were saved (.npz).")
    ],
    data: Annotated[Path, typer.Option(help="Pictures, as for `data`.")],
    out: Annotated[Path | None, typer.Option(help="Folder for tables and plots.")] = None,
    split: Split = "valid",
    classes: Annotated[
        str | None,
        typer.Option(
            help="Of a network that neither describes itself nor is known: its classes, "
            "comma-separated, and with the options below its input."
        ),
    ] = None,
    size: Annotated[int, typer.Option(help="Its side, px.")] = 48,
    color: Annotated[str, typer.Option(help="gray, rgb or bgr.")] = "gray",
    scale: Annotated[float, typer.Option(help="Pixels are multiplied by it.")] = 1.0,
    mean: Annotated[str, typer.Option(help="Then this is taken off.")] = "0",
    std: Annotated[str, typer.Option(help="Then it is divided by this.")] = "1",
) -> None:
    """Any networks, side by side on the same pictures, each figure with its n and interval."""
    _needs("onnx")
    from readroom.models.lab.classifiers import given
    from readroom.models.lab.evaluate import run_evaluate

    described = (
        given(classes, size_px=size, color=color, scale=scale, mean=mean, std=std)
        if classes
        else None
    )
    run_evaluate(
        networks, data, split=split, out=out, description=described, reference=_reference()
    )


@app.command()
def explain(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.")],
    out: Out,
    pictures: Annotated[
        list[Path] | None, typer.Argument(help="Pictures with a face, or videos with --at.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Training pictures: adds the most similar ones.")
    ] = None,
    box: Annotated[str, typer.Option(help="The face, as x,y,width,height in px.")] = "",
    at: Annotated[float | None, typer.Option(help="Moment in the video, s.")] = None,
    portraits: Annotated[
        bool, typer.Option("--portraits", help="The demo room's public-domain portraits.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Where dreams start.")] = 1,
) -> None:
    """What the network sees in a face and what it looks for, as grids of pictures."""
    _needs("torch")
    from readroom.models.lab.explain import run_explain
    from readroom.models.lab.subjects import read_box
    from readroom.models.lab.training import Run

    run_explain(
        Run(run).checkpoint,
        pictures or [],
        out,
        data=data,
        box=read_box(box) if box else None,
        at_s=at,
        with_portraits=portraits,
        seed=seed,
    )


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.")],
    data: Annotated[Path, typer.Option(help="The same pictures: temperature, parity.")],
    out: Annotated[Path | None, typer.Option(help="The ONNX file to write.")] = None,
    ship: Annotated[
        bool, typer.Option("--ship", help="Into models/weights, with its hash pinned.")
    ] = False,
) -> None:
    """A self-describing ONNX file, calibrated on pictures kept apart, checked against PyTorch,
    measured on `valid`, and its model card beside it."""
    _needs("torch", "onnx", "onnxscript")
    from readroom.models.files import PACKAGED
    from readroom.models.lab.course import export_run
    from readroom.models.pins import pin
    from readroom.models.registry import OWN

    if ship == (out is not None):
        raise BadSettings("export: say where to, with --out FILE.onnx, or --ship: one of the two")
    path = out or PACKAGED / OWN["expression"].file
    written = export_run(run, data, path, _reference())
    if ship:
        pin(path)
    typer.echo(
        f"{path}: {written.parameters:,} parameters, {len(written.body) / 1e6:.1f} MB; "
        f"differs from PyTorch by {written.parity:.1g} at most; card: {path.with_suffix('.md')}"
    )
    if not ship:
        typer.echo(
            f"to use it, call it {OWN['expression'].file} and name its folder in READROOM_MODELS"
        )
