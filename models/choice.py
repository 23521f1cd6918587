"""What each engine would run with the files at hand, and if nothing, why, in one line.

The project's own networks come with the package and are run unless ``workers.networks`` names
another, or READROOM_MODELS holds one that was trained anew. Finding people without faces, meshes
and identities have none: they take files that are public. Where the purpose forbids inferring
emotions, the task ``expression`` doesn't exist: its files aren't looked for, and nothing is said of
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from readroom.errors import BadSettings
from readroom.messages import EngineName
from readroom.models.files import find, find_all_own, read_own, read_verified
from readroom.models.registry import HAAR, OWN, PREFERENCE, REGISTRY, Entry, Task
from readroom.settings import Settings

_ENGINES: dict[Task, EngineName] = {
    "faces": "face",
    "expression": "expression",
    "keypoints": "pose",
    "people": "pose",
    "mesh": "mesh",
    "blendshapes": "mesh",
    "identity": "identity",
}
#: Engines that nobody has to run: who doesn't name them hears nothing of what they lack.
_OPTIONAL: frozenset[EngineName] = frozenset({"mesh", "identity"})


@dataclass(frozen=True, slots=True)
class Choice:
    """The network for one task of an engine.

    ``entry`` and ``path`` are None where no file is used; ``model`` is the model id, empty where
    nothing runs; ``reason`` is one line that says why it isn't the best, or why it is nothing.
    ``broken``: a file is there and must not be loaded; a worker refuses to start.
    """

    engine: EngineName
    task: Task
    model: str
    entry: Entry | None = None
    path: Path | None = None
    reason: str = ""
    broken: bool = False

    @property
    def runs(self) -> bool:
        """Whether something runs for this task."""
        return bool(self.model)


def available(settings: Settings) -> tuple[Choice, ...]:
    """What each task would run: ``faces``, ``expression`` (unless the purpose forbids it),
    ``keypoints`` and ``people`` (used only by workers that run poses without faces); ``mesh``,
    ``blendshapes`` and ``identity`` where their engines are asked for. Files found are verified.

    Raises BadSettings where READROOM_MODELS names no folder or ``workers.networks`` no network.
    """
    return tuple(choose(settings, task) for task in _ENGINES if _is_offered(settings, task))


def _is_offered(settings: Settings, task: Task) -> bool:
    if task == "expression":
        return not settings.without_emotion
    engine = _ENGINES[task]
    return engine not in _OPTIONAL or engine in settings.workers.engines


def choose(settings: Settings, task: Task) -> Choice:
    """The network for a task: the one that ``workers.networks`` names, else the best whose file
    is at hand, the project's own first; see :class:`Choice`.

    Raises as :func:`available` does.
    """
    engine = _ENGINES[task]
    named = _named(settings, task)
    public = None if named is None else REGISTRY.get(named)
    if public is not None:
        return _registered(settings, public) or _absent(public)
    for own in _own(settings, task):
        if named in (None, own.model):
            return own
    for name in PREFERENCE[task]:
        choice = _registered(settings, REGISTRY[name])
        if choice is not None:
            return choice
    if task == "faces":
        reason = f"no better detector at hand, so no landmarks or head pose; {remedy(task)}"
        return Choice(engine, task, HAAR, reason=reason)
    why = "only workers without faces need it" if task == "people" else "no network at hand"
    return Choice(engine, task, "", reason=f"off: {why}; {remedy(task)}")


def _named(settings: Settings, task: Task) -> str | None:
    """The name of the network that the settings want for a task."""
    names = settings.workers.networks
    known = {name: entry.task for name, entry in REGISTRY.items()}
    if not known.keys() >= set(names):
        # The project's own say their names themselves, so they are read only where one is meant.
        ours = (own for each in OWN for own in _own(settings, each) if own.runs)
        known = {own.model: own.task for own in ours} | known
    for name in names:
        if name not in known:
            raise BadSettings(
                f"workers.networks={name!r} (READROOM_WORKERS__NETWORKS): no such network; known "
                f"are {', '.join(known)}; the project's own run for every task without a name"
            )
    found = [name for name in names if known[name] == task]
    if len(found) > 1:
        both = " ".join(found)
        raise BadSettings(
            f"workers.networks={both!r} (READROOM_WORKERS__NETWORKS): name one for {task}"
        )
    return found[0] if found else None


def _own(settings: Settings, task: Task) -> Iterator[Choice]:
    """The choice of each of the project's own networks that is at hand, the best first."""
    for path in find_all_own(settings, task):
        try:
            entry = read_own(path, task).entry
        except BadSettings as error:
            yield Choice(_ENGINES[task], task, "", None, path, str(error), broken=True)
        else:
            yield Choice(_ENGINES[task], task, entry.name, entry, path)


def _registered(settings: Settings, entry: Entry) -> Choice | None:
    """The choice of one of the registry's networks; None: its file isn't at hand."""
    path = find(settings, entry)
    if path is None:
        return None
    try:
        read_verified(path, entry)
    except BadSettings as error:
        return Choice(entry.engine, entry.task, "", entry, path, str(error), broken=True)
    return Choice(entry.engine, entry.task, entry.name, entry, path)


def _absent(entry: Entry) -> Choice:
    """Another network in place of the one that was named would be a silent surprise."""
    reason = f"workers.networks names {entry.name}, which isn't at hand; {_source(entry)}"
    return Choice(entry.engine, entry.task, "", entry, None, reason, broken=True)


def remedy(task: Task) -> str:
    """How to get a network for a task."""
    entries = [REGISTRY[name] for name in PREFERENCE[task]]
    offered = next((entry for entry in entries if entry.url is not None), None)
    if offered is not None:
        return _source(offered)
    own = [OWN[task].file] if task in OWN else []
    return _put(*own, *(entry.file for entry in entries))


def _source(entry: Entry) -> str:
    if entry.url is not None:
        return f"`readroom models pull {entry.name}` fetches {entry.file}"
    return _put(entry.file)


def _put(*files: str) -> str:
    return f"put {' or '.join(files)} into a folder and name it in READROOM_MODELS"


def describe(settings: Settings) -> str:
    """One line that says what runs where something could be better, and the remedy; empty: all
    that was asked for runs on the networks it should."""
    asked = settings.workers.engines
    lacking = [
        choice
        for choice in available(settings)
        if choice.reason
        and choice.engine in asked
        and not (choice.task == "people" and "face" in asked)
    ]
    if not lacking:
        return ""
    parts = [f"{choice.engine} by {choice.model}" for choice in lacking if choice.runs]
    off = " and ".join(dict.fromkeys(choice.engine for choice in lacking if not choice.runs))
    parts += [f"{off} off"] if off else []
    return f"{', '.join(parts)}: {'; '.join(_missing(choice.task) for choice in lacking)}"


def _missing(task: Task) -> str:
    """What isn't there for a task, and how to get it."""
    if task == "people":
        return f"finding people without faces takes a network of its own: {remedy(task)}"
    if task not in OWN:
        return f"{task} takes a network that doesn't come with the package: {remedy(task)}"
    return f"{OWN[task].file} didn't come with this installation: {remedy(task)}"


def render_list(settings: Settings) -> str:
    """Of each known network its task, licence and where its file is; indented below it, what is
    to be known of it and what to cite."""
    lines = []
    for task in OWN:
        for own in _own(settings, task):
            lines += _own_lines(own)
    for entry in REGISTRY.values():
        lines += _entry_lines(entry, _state(entry, find(settings, entry)))
    return "\n".join(lines)


def _own_lines(own: Choice) -> list[str]:
    if own.entry is None:
        return [own.reason]
    return _entry_lines(own.entry, f"{own.path} (describes itself)")


def _entry_lines(entry: Entry, state: str) -> list[str]:
    return [
        f"{entry.name:26} {entry.task:11} {entry.licence:11} {state}",
        f"    note: {entry.notes}",
        f"    cite: {entry.citation}",
    ]


def _state(entry: Entry, path: Path | None) -> str:
    if path is None:
        offered = "`readroom models pull` fetches it" if entry.url else "no public address"
        return f"not here ({offered})"
    try:
        read_verified(path, entry)
    except BadSettings as error:
        return str(error)
    return f"{path} (verified)"
