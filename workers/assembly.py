"""The engines of one worker, put together from the settings and the files at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from readroom.errors import BadSettings
from readroom.messages import EngineName
from readroom.models.choice import Choice, choose
from readroom.models.files import read_verified
from readroom.models.registry import Entry, Task
from readroom.settings import Settings, WorkerSettings, lane_name
from readroom.workers.analysis import Analyser
from readroom.workers.backends import backend_for
from readroom.workers.backends.base import Backend, Network, Profile
from readroom.workers.engines.expression import ExpressionReader
from readroom.workers.engines.face import FaceFinder, FaceNetwork, profile
from readroom.workers.engines.haar import Haar
from readroom.workers.engines.identity import IdentityReader
from readroom.workers.engines.mesh import MeshReader
from readroom.workers.engines.people import PeopleFinder
from readroom.workers.engines.pose import PoseReader

#: Told of every network run: engine, items in it, seconds.
OnRun = Callable[[str, int, float], None]


@dataclass(frozen=True, slots=True)
class Assembled:
    """A worker's engines, ready to run, and what was chosen for each task."""

    analyser: Analyser
    choices: tuple[Choice, ...]

    @property
    def missing(self) -> tuple[EngineName, ...]:
        """The engines that were asked for and are off."""
        return tuple(dict.fromkeys(choice.engine for choice in self.choices if not choice.runs))


def assemble(
    settings: Settings,
    *,
    on_run: OnRun = lambda engine, items, seconds: None,
    backend: Backend | None = None,
) -> Assembled:
    """Load the networks for ``settings.workers.engines`` and warm them up.

    Where the purpose forbids inferring emotions there is no ``expression`` engine, whatever
    ``settings.workers.engines`` says, and nothing is missing for that.

    Raises BadSettings where a file at hand must not be loaded, or where none of the engines asked
    for can run; ReadroomError where a file isn't the network it should be.
    """
    workers = settings.workers
    choices = tuple(choose(settings, task) for task in tasks(settings.engines))
    for choice in choices:
        if choice.broken:
            raise BadSettings(choice.reason)
    builder = _Builder(workers, backend or backend_for(workers.device), on_run)
    by_task = {choice.task: choice for choice in choices if choice.runs}
    if "faces" not in by_task and not {"keypoints", "people"} <= set(by_task):
        reasons = "; ".join(choice.reason for choice in choices if not choice.runs)
        raise BadSettings(
            f"workers.engines={lane_name(settings.engines)}: nothing to run: {reasons}"
        )
    analyser = Analyser(
        faces=builder.faces(by_task.get("faces")),
        expressions=builder.expressions(by_task.get("expression")),
        poses=builder.poses(by_task.get("keypoints")),
        people=builder.people(by_task.get("people")),
        meshes=builder.meshes(by_task.get("mesh"), by_task.get("blendshapes")),
        identities=builder.identities(by_task.get("identity")),
        min_face_px=workers.min_face_px,
    )
    return Assembled(analyser, choices)


def tasks(engines: tuple[EngineName, ...]) -> tuple[Task, ...]:
    """What a worker with these engines needs networks for."""
    wanted: list[Task] = []
    if "face" in engines:
        wanted.append("faces")
    if "expression" in engines:
        wanted.append("expression")
    if "pose" in engines:
        wanted.append("keypoints")
        if "face" not in engines:
            wanted.append("people")
    if "mesh" in engines:
        wanted += ["mesh", "blendshapes"]
    if "identity" in engines:
        wanted.append("identity")
    return tuple(wanted)


class _Builder:
    def __init__(self, workers: WorkerSettings, backend: Backend, on_run: OnRun) -> None:
        self._workers = workers
        self._backend = backend
        self._on_run = on_run

    def faces(self, choice: Choice | None) -> FaceFinder | None:
        if choice is None:
            return None
        workers, report = self._workers, self._report("face")
        width_px, most = workers.face_input_width_px, workers.max_people
        if choice.entry is None:
            return Haar(width_px=width_px, most=most, on_run=report)
        network = self._load(choice, profile(width_px, workers.batch_frames))
        return FaceNetwork(
            network,
            choice.entry,
            width_px=width_px,
            min_score=workers.face_score_ratio,
            most=most,
            on_run=report,
        )

    def expressions(self, choice: Choice | None) -> ExpressionReader | None:
        if choice is None or choice.entry is None:
            return None
        network = self._load(choice, self._fixed(choice.entry, self._workers.max_people))
        return ExpressionReader(network, choice.entry, on_run=self._report("expression"))

    def poses(self, choice: Choice | None) -> PoseReader | None:
        if choice is None or choice.entry is None:
            return None
        network = self._load(choice, self._fixed(choice.entry, self._workers.max_people))
        return PoseReader(network, choice.entry, on_run=self._report("pose"))

    def people(self, choice: Choice | None) -> PeopleFinder | None:
        if choice is None or choice.entry is None:
            return None
        network = self._load(choice, self._fixed(choice.entry, self._workers.batch_frames))
        most = self._workers.max_people
        return PeopleFinder(network, choice.entry, most=most, on_run=self._report("people"))

    def meshes(self, points: Choice | None, moves: Choice | None) -> MeshReader | None:
        if points is None or points.entry is None or moves is None or moves.entry is None:
            return None
        return MeshReader(
            self._load(points, self._fixed(points.entry, self._workers.max_people)),
            points.entry,
            self._load(moves, self._fixed(moves.entry, self._workers.max_people)),
            moves.entry,
            on_run=self._report("mesh"),
        )

    def identities(self, choice: Choice | None) -> IdentityReader | None:
        if choice is None or choice.entry is None:
            return None
        network = self._load(choice, self._fixed(choice.entry, self._workers.max_people))
        return IdentityReader(network, choice.entry, on_run=self._report("identity"))

    def _report(
        self, engine: Literal["face", "expression", "pose", "people", "mesh", "identity"]
    ) -> Callable[[int, float], None]:
        return lambda items, seconds: self._on_run(engine, items, seconds)

    def _fixed(self, entry: Entry, batch: int) -> Profile:
        # A batch that the file fixes is all that it takes.
        most = entry.inputs[entry.input_name][0] or batch
        item = entry.item_shape
        return Profile((1, *item), (min(4, most), *item), (most, *item))

    def _load(self, choice: Choice, shapes: Profile) -> Network:
        if choice.entry is None or choice.path is None:
            raise BadSettings(f"{choice.model} has no file to load")
        model = read_verified(choice.path, choice.entry)
        profiles = {choice.entry.input_name: shapes}
        network = self._backend.load(model, self._workers.device, profiles)
        network.warm_up((1,))
        return network
