"""``readroom lab …``: one command each, from a set of pictures to a network that ships.

What needs PyTorch is imported inside the commands, so that asking for help needs none.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from readroom.errors import BadSettings
from readroom.models.lab import tasks
from readroom.models.lab.tasks import Task

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
#: Options of `evaluate` that only expression networks have.
DESCRIBING = ("split", "classes", "size", "color", "scale", "mean", "std")
PROTOTYPE = Path(__file__).parent / "expression" / "prototype.toml"


def _only_expression(context: typer.Context, task: Task, names: Iterable[str]) -> None:
    """Raises BadSettings where one of these options was given for another task."""
    for name in names:
        source = context.get_parameter_source(name)
        if task is not Task.EXPRESSION and source is not None and source.name != "DEFAULT":
            raise BadSettings(f"--{name} is for expression networks, this is {task}: leave it out")


def _needs(*packages: str) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise BadSettings(
            f"the lab needs {' and '.join(missing)}: pip install -c constraints.txt -e '.[lab]'"
        )


@app.command()
def data(data: Data, out: Out) -> None:
    """What a set of pictures is worth: duplicates, blanks, labels that disagree; a report."""
    from readroom.models.lab.expression.data_report import run_data

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
    from readroom.models.lab.expression.baselines import run_baseline
    from readroom.models.lab.expression.evaluate import find_reference, load_classifier

    compared = list(networks or ())
    for path in compared:
        load_classifier(path)  # What is wrong with it is better told before the training.
    if prototype:
        _needs("torch", "onnxscript")
        compared.append(_prototype(data, out))
    run_baseline(data, out, split=split, networks=compared, reference=find_reference())


def _prototype(data: Path, out: Path) -> Path:
    from readroom.models.lab.expression.course import exported, train_course
    from readroom.models.lab.expression.prepare import prepare
    from readroom.models.lab.expression.recipe import Recipe
    from readroom.models.lab.recipes import read_recipe

    recipe = read_recipe(PROTOTYPE, Recipe)
    prepared = prepare(data, recipe.held_out)
    train_course(recipe, prepared, out / "prototype")
    path = out / "prototype.onnx"
    path.write_bytes(exported(out / "prototype", prepared).body)
    return path


@app.command()
def train(
    context: typer.Context,
    data: Annotated[
        Path,
        typer.Argument(
            help="Pictures, as for `data`; for faces and pose a folder of annotated photographs."
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the run; one that is there is gone on with.")
    ],
    task: Annotated[Task, typer.Option(help="What the network is for.")] = Task.EXPRESSION,
    recipe: Annotated[
        Path | None,
        typer.Option(help="Recipe, TOML or JSON; default: the shipped network's."),
    ] = None,
    architecture: Annotated[str | None, typer.Option(help="Another network of the lab.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the pictures; for teachers at most.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another start.")] = None,
    teachers: Annotated[
        bool, typer.Option(help="Expression: train the recipe's teachers first.")
    ] = True,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; default: as PyTorch decides.")
    ] = None,
) -> None:
    """Train a network; stop it and start it again as you like."""
    _only_expression(context, task, ["teachers"])
    _needs("torch", *(["pytorch_optimizer"] if task is Task.FACES else []))
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    wanted = tasks.recipe_of(
        task, recipe, architecture=architecture, epochs=epochs, seed=seed, teachers=teachers
    )
    tasks.train(wanted, data, out)
    typer.echo(f"{out}: trained; next: readroom lab export {out} --data {data} --out FILE.onnx")


@app.command()
def evaluate(
    context: typer.Context,
    networks: Annotated[
        list[str],
        typer.Argument(
            help="ONNX networks for one task; for expression also baselines that were saved "
            "(.npz), for faces also `haar`, OpenCV's cascade."
        ),
    ],
    data: Annotated[Path, typer.Option(help="Pictures, as for `train`.")],
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
    compared = tasks.named(networks)
    task = tasks.task_of_networks(compared)
    _only_expression(context, task, DESCRIBING)
    if task is not Task.EXPRESSION:
        tasks.evaluate(task, compared, data, out)
        return
    from readroom.models.lab.expression.classifiers import given
    from readroom.models.lab.expression.evaluate import find_reference, run_evaluate

    described = (
        given(classes, size_px=size, color=color, scale=scale, mean=mean, std=std)
        if classes
        else None
    )
    run_evaluate(
        [Path(network) for network in compared],
        data,
        split=split,
        out=out,
        description=described,
        reference=find_reference(),
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
    """What the expression network sees in a face and looks for, as grids of pictures."""
    _needs("torch")
    from readroom.models.lab.expression.explain import run_explain
    from readroom.models.lab.expression.subjects import read_box
    from readroom.models.lab.runs import Run

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
    data: Annotated[Path, typer.Option(help="The same pictures.")],
    out: Annotated[Path | None, typer.Option(help="The ONNX file to write.")] = None,
    ship: Annotated[
        bool, typer.Option("--ship", help="Into models/weights, with its hash pinned.")
    ] = False,
) -> None:
    """A self-describing ONNX file, checked against PyTorch, measured on pictures that nothing was
    learnt from, and its model card beside it."""
    _needs("torch", "onnx", "onnxscript")
    from readroom.models.files import PACKAGED
    from readroom.models.lab.runs import Run
    from readroom.models.pins import pin
    from readroom.models.registry import OWN

    if ship == (out is not None):
        raise BadSettings("export: say where to, with --out FILE.onnx, or --ship: one of the two")
    task = tasks.task_of_run(Run(run).recipe)
    own = OWN[tasks.network_task(task)].file
    path = out or PACKAGED / own
    written = tasks.export(task, run, data, path)
    if ship:
        pin(path)
    typer.echo(
        f"{path}: {written.parameters:,} parameters, {len(written.body) / 1e6:.1f} MB; "
        f"differs from PyTorch by {written.parity:.1g} at most; card: {path.with_suffix('.md')}"
    )
    if not ship:
        typer.echo(f"to use it, call it {own} and name its folder in READROOM_MODELS")


@app.command("fit-heads")
def fit_heads(
    data: Annotated[Path, typer.Argument(help="Folder with annotations.jsonl and images/.")],
    face: Annotated[Path, typer.Option(help="The face detector, ONNX.")],
    pose: Annotated[Path, typer.Option(help="The pose network, ONNX.")],
    out: Annotated[
        Path,
        typer.Option(help="Module to write; the product computes with models/head_pose_fit.py."),
    ],
) -> None:
    """What head poses are computed with, fitted to FSA-Net's angles on the photographs of the split
    `train`. READROOM_MODELS has to name a folder with fsanet_1x1.onnx and fsanet_var.onnx."""
    from readroom.models.lab.heads.course import run_fit

    run_fit(data, face=face, pose=pose, out=out)


@app.command()
def look(
    out: Out,
    pictures: Annotated[
        list[Path] | None, typer.Argument(help="Pictures, folders of them, or clips.")
    ] = None,
    face: Annotated[
        Path | None, typer.Option(help="Detector, ONNX; default: the one that a worker takes.")
    ] = None,
    pose: Annotated[
        Path | None, typer.Option(help="Pose network, ONNX; default: the one that a worker takes.")
    ] = None,
    portraits: Annotated[
        bool, typer.Option("--portraits", help="The demo room's public-domain portraits.")
    ] = False,
) -> None:
    """Contact sheets: pictures with the faces found, their landmarks and skeletons drawn in."""
    from readroom.models.lab.sheets import run_look

    run_look(pictures or [], out, face=face, pose=pose, portraits=portraits)
