"""``readroom analyse``, as it is typed: what is named is sorted out, and handed on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from readroom.analysing.outputs import STDOUT, save_json
from readroom.analysing.photo_files import (
    Unreadable,
    called_a_picture,
    is_heif,
    is_picture,
    pictures_in,
    read,
)
from readroom.analysing.photos import (
    ONE_MOMENT,
    ONE_MOMENT_PLAIN,
    annotate,
    as_data,
    seen_in,
    table,
)
from readroom.errors import EXIT_BAD_SETTINGS, EXIT_OK, BadSettings
from readroom.settings import Settings
from readroom.words import vocabulary


def sort_out(names: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """The pictures and the videos that are named; a folder stands for the pictures in it. What is
    no picture is taken for a video: who reads it will say. Raises BadSettings for what isn't there
    or can't be used, and for both kinds at once."""
    pictures: list[Path] = []
    videos: list[Path] = []
    for name in names:
        path = _usable(name)
        if path.is_dir():
            pictures += pictures_in(path)
        elif is_picture(path):
            pictures.append(path)
        elif is_heif(path):
            raise BadSettings(f"{path}: a HEIF picture, which isn't read here; save it as JPEG")
        else:
            videos.append(path)
    if pictures:  # Beside pictures, what is called like one is one that is damaged.
        pictures += [path for path in videos if called_a_picture(path)]
        videos = [path for path in videos if not called_a_picture(path)]
    if pictures and videos:
        raise BadSettings(
            f"{pictures[0]} is a picture, {videos[0]} is none: analyse pictures and videos one "
            "after the other"
        )
    return pictures, videos


def _usable(name: str) -> Path:
    """A file or folder, absolute, so that no name of a file means anything else."""
    try:
        shown = os.fsencode(name).decode("utf-8")
    except UnicodeError:
        raise BadSettings(f"{name!r}: a name that isn't UTF-8; call the file otherwise") from None
    if not os.path.exists(name):
        raise BadSettings(f"{shown}: no such file or folder; check the path")
    path = Path(os.path.abspath(name))
    if not (path.is_file() or path.is_dir()):
        raise BadSettings(
            f"{shown}: neither a file nor a folder; cameras are read by `readroom run`"
        )
    if path.is_file() and path.stat().st_size == 0:
        raise BadSettings(f"{shown}: is empty (0 bytes); copy or record it again")
    return path


def refuse_options(given: Mapping[str, object], what: str, why: str) -> None:
    """Raise BadSettings for an option that isn't None, though it means nothing here."""
    for option, value in given.items():
        if value:
            raise BadSettings(f"{option} {what}, and {why}; leave it out")


def analyse_photos(
    settings: Settings, files: Sequence[Path], out: Path | None, folder: Path | None
) -> int:
    """Look at pictures one after the other: a table each, and what else is asked for; returns the
    exit code, EXIT_BAD_SETTINGS where one of them couldn't be read. Nothing is stored."""
    from readroom.workers.photo import looker

    if folder is not None and not folder.is_dir():
        raise BadSettings(f"--annotate={folder}: no such folder; make it first")
    words, min_face_px = vocabulary(settings.without_emotion), settings.workers.min_face_px
    console = Console(stderr=out == STDOUT)
    look, data, code = looker(settings), [], EXIT_OK
    for path in files:
        try:
            photo = read(path)
        except Unreadable as error:
            print(f"readroom: {error}", file=sys.stderr)
            code = EXIT_BAD_SETTINGS
            continue
        observation = look(photo.picture)
        faces = seen_in(photo, observation, min_face_px)
        console.print(table(photo, faces, words, min_face_px))
        data.append(as_data(photo, observation, faces, words, min_face_px))
        if folder is not None:
            console.print(Text(f"annotated copy: {annotate(photo, faces, words, folder)}"))
    if data:
        console.print(Text(ONE_MOMENT_PLAIN if settings.without_emotion else ONE_MOMENT))
    for line in save_json(out, {"pictures": data}) if out is not None else ():
        console.print(Text(line))
    return code
