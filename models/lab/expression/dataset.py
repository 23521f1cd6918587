"""Pictures of faces with their labels, as the lab's commands take them, and how they are read.

A :class:`Pictures` is one split. Where a source knows something only in part (no votes, or only
four classes), the field says so, and nothing is made up: a label is -1, votes are all 0.

:func:`load` takes a data set in any of four shapes and says in one line what doesn't fit. What
makes the whole set doubtful (a class nobody knows, a wrong shape, an empty split) is an error; a
single broken picture is listed in :attr:`DataSet.unreadable` and left out.
"""

from __future__ import annotations

import csv
import difflib
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from readroom.errors import BadSettings
from readroom.messages import EXPRESSIONS
from readroom.models.crop import CropRule, Grey, cut_square

#: FER-2013's seven classes in the order of its folders (angry, disgust, fear, happy, neutral, sad,
#: surprise), in this project's words. Its CSV numbers them otherwise.
FER2013: Final = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
#: What a FER+ tagger could say, in the order of the votes: eight expressions and two ways out.
FERPLUS: Final = (*EXPRESSIONS, "unknown", "not a face")
#: Index into EXPRESSIONS of each of :data:`FER2013`.
AS_EXPRESSION: Final = np.array([EXPRESSIONS.index(name) for name in FER2013])
#: Side of every picture, px.
SIDE_PX: Final = 48
#: FER-2013's classes as its CSV numbers them.
CSV_ORDER: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
#: What a file of votes beside ``fer2013.csv`` is called.
VOTES_CSV: Final = "fer2013new.csv"

#: EXPRESSIONS by whatever people call them.
CLASS_WORDS: Final[Mapping[str, str]] = {
    **{name: name for name in EXPRESSIONS},
    "angry": "anger", "mad": "anger", "disgusted": "disgust", "fearful": "fear", "afraid": "fear",
    "happy": "happiness", "joy": "happiness", "sad": "sadness", "surprised": "surprise",
    "calm": "neutral", "contemptuous": "contempt",
}  # fmt: skip
#: What else FER+ calls its answers.
_VOTE_WORDS: Final = {name: name for name in FERPLUS} | {"NF": "not a face"}
#: Other people's words for the splits.
_SPLITS: Final = {
    "train": "train", "training": "train",
    "valid": "valid", "validation": "valid", "val": "valid", "publictest": "valid",
    "test": "test", "testing": "test", "privatetest": "test",
}  # fmt: skip
_PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".pgm"})
_JPEGS: Final = frozenset({".jpg", ".jpeg"})
#: What NumPy and its zip reader raise at a file that is cut short or is something else.
_BROKEN_FILE: Final = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)

T = TypeVar("T")
Images = NDArray[np.uint8]
Labels = NDArray[np.int64]
Votes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pictures:
    """One split of a set of face pictures.

    ``images`` uint8 [n, 48, 48] grey; ``labels`` int64 [n] into :data:`FER2013`, -1 where there
    is none; ``votes`` uint8 [n, 10], how many taggers said each of :data:`FERPLUS`, all 0 where
    nobody was asked; ``names`` [n] say where each came from (``train/17``, a file's path).
    """

    split: str
    images: Images
    labels: Labels
    votes: Votes
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64], split: str = "") -> Pictures:
        """The chosen pictures, by mask or index, under another split's name if one is given."""
        index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return Pictures(
            split or self.split,
            self.images[index],
            self.labels[index],
            self.votes[index],
            tuple(self.names[i] for i in index),
        )


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set: its ``splits`` by name (``train``, ``valid``, ``test``, or an npz's own name),
    none of them empty, and what in it was passed over: ``unreadable``, (name, reason) each."""

    splits: dict[str, Pictures]
    unreadable: tuple[tuple[str, str], ...] = ()


def majority(votes: Votes) -> Labels:
    """FER+'s majority convention (Barsoum et al. 2016): int64 [n] into EXPRESSIONS.

    -1, left out of every figure, where no one was asked, where two or more of the ten answers
    tie for the most votes, or where most say unknown or not a face.
    """
    most = votes.max(axis=1, keepdims=True)
    tied = (votes == most).sum(axis=1) > 1
    winner = votes.argmax(axis=1).astype(np.int64)
    return np.where(tied | (most[:, 0] == 0) | (winner >= len(EXPRESSIONS)), -1, winner)


def distribution(votes: Votes) -> NDArray[np.float32]:
    """The votes for the eight expressions as shares: float32 [n, 8], rows that sum to 1, or all
    0 where nobody voted for an expression."""
    counted = votes[:, : len(EXPRESSIONS)].astype(np.float32)
    return np.asarray(counted / np.maximum(counted.sum(axis=1, keepdims=True), 1))


def load(path: Path) -> DataSet:
    """Reads a data set; raises BadSettings, with the remedy, where it isn't one.

    ``path`` is one of

    - a folder with a ``*.npz`` for each split, or one npz (:func:`load_npz`);
    - ``fer2013.csv`` or its folder; FER+'s ``fer2013new.csv`` is read if it lies beside it;
    - a folder of pictures per class, ``<split>/<class>/*`` or ``<class>/*`` (all ``train``), of
      any size and colour. A picture becomes grey 48×48 as a face box would that is as large as
      the picture: whole, its aspect kept, its edge repeated to fill the square.
    """
    if not path.exists():
        raise BadSettings(f"{path}: no such file or folder: name a folder with a data set")
    if path.is_file():
        readers = {".npz": _load_npzs, ".csv": load_csv}
        if path.suffix not in readers:
            raise BadSettings(f"{path}: not a data set: wanted an npz, a csv or a folder")
        return readers[path.suffix](path)
    if any(path.glob("*.npz")):
        return _load_npzs(path)
    if (path / "fer2013.csv").is_file():
        return load_csv(path / "fer2013.csv")
    return load_folders(path)


def load_npz(path: Path, split: str) -> Pictures:
    """One split as the npz of FER-2013 pictures with FER+ votes; raises BadSettings.

    Keys: ``images`` uint8 [n, 48, 48]; ``fer2013`` [n] into ``fer2013_classes``; and, if votes
    are known, ``ferplus_votes`` [n, 10], ``ferplus_classes``, ``ferplus_present`` [n].
    """
    arrays = _arrays(path)
    wanted = {"images", "fer2013", "fer2013_classes"}
    if "ferplus_votes" in arrays:
        wanted |= {"ferplus_classes", "ferplus_present"}
    if missing := sorted(wanted - set(arrays)):
        raise BadSettings(f"{path}: has no array {missing[0]!r}: write it as load_npz says")
    images = arrays["images"]
    count = len(images) if images.ndim else 0
    _check(path, "images", images, "u", (count, SIDE_PX, SIDE_PX))
    if not count:
        raise BadSettings(f"{path}: split {split!r} is empty: put pictures in, or delete the file")
    words = [str(name) for name in arrays["fer2013_classes"].ravel()]
    order = np.array([FER2013.index(known_class(word, str(path))) for word in words])
    _check(path, "fer2013", arrays["fer2013"], "iu", (count,), limit=len(order) - 1)
    return Pictures(
        split,
        images.astype(np.uint8, copy=False),
        order[arrays["fer2013"]].astype(np.int64),
        _npz_votes(path, arrays, count),
        tuple(f"{split}/{index}" for index in range(count)),
    )


def load_csv(path: Path) -> DataSet:
    """``fer2013.csv``: columns emotion, pixels (2304 numbers), Usage; raises BadSettings."""
    votes = _csv_votes(path.with_name(VOTES_CSV)) if path.with_name(VOTES_CSV).exists() else None
    rows: dict[str, list[tuple[Grey, int, NDArray[np.uint8], str]]] = {}
    unreadable = []
    lines = _csv_rows(path, ("emotion", "pixels", "Usage"))
    count = 0
    for count, row in enumerate(_shown(lines, "reading pictures"), 1):
        split = _SPLITS.get(row["Usage"].lower())
        said = np.zeros(len(FERPLUS), np.uint8)
        if votes is not None:
            said = _votes_of_row(path, votes, count, row["Usage"])
        try:
            image, label = _csv_picture(row)
        except ValueError as error:
            unreadable.append((f"row {count}", str(error)))
            continue
        if split is None:
            unreadable.append((f"row {count}", f"unknown Usage {row['Usage']!r}"))
            continue
        rows.setdefault(split, []).append((image, label, said, f"{split}/{count}"))
    if votes is not None and len(votes) != count:
        raise _not_aligned(path, f"{len(votes)} rows for {count} pictures")
    if not rows:
        raise BadSettings(
            f"{path}: no picture can be read ({passed_over(unreadable)}): get the file again"
        )
    splits = {
        split: _stacked(split, rows[split])
        for split in dict.fromkeys(_SPLITS.values())
        if split in rows
    }
    return DataSet(splits, tuple(unreadable))


def load_folders(path: Path) -> DataSet:
    """Pictures in folders named after their class, or in such folders per split."""
    folders = _folders(path)
    if not folders:
        raise BadSettings(
            f"{path}: no data set there: wanted *.npz, fer2013.csv, "
            "or a folder of pictures per class"
        )
    splits = {_SPLITS[each.name.lower()]: each for each in folders if each.name.lower() in _SPLITS}
    if not splits:
        splits = {"train": path}
    elif strange := [each.name for each in folders if each.name.lower() not in _SPLITS]:
        raise BadSettings(
            f"{path / strange[0]}: not a split, but others beside it are: "
            f"{_nearest(strange[0], _SPLITS)}"
        )
    elif len(splits) < len(folders):
        names = ", ".join(each.name for each in folders)
        raise BadSettings(f"{path}: two of its folders are the same split ({names}): join them")
    unreadable: list[tuple[str, str]] = []
    found = {
        split: _read_split(path, split, splits[split], unreadable)
        for split in dict.fromkeys(_SPLITS.values())
        if split in splits
    }
    return DataSet(found, tuple(unreadable))


def read_picture(path: Path) -> Grey:
    """A picture file as the square a network sees, uint8 [48, 48]; raises ValueError, saying what
    is wrong with it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"can't be read: {error.strerror}") from None
    if not data:
        raise ValueError("is empty")
    if path.suffix.lower() in _JPEGS and data.startswith(b"\xff\xd8"):
        # OpenCV shows what it can of a JPEG that is damaged inside, and says nothing.
        try:
            simplejpeg.decode_jpeg(data, colorspace="GRAY", strict=True)
        except ValueError:
            raise ValueError("is a damaged JPEG") from None
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("is damaged, or no picture")
    height, width = picture.shape[:2]
    whole = CropRule().square(0, 0, width, height)
    return cut_square(cast(Grey, picture), whole, SIDE_PX)


def known_class(word: str, where: str) -> str:
    """A class of :data:`FER2013` by whatever it is called; raises BadSettings that names the
    nearest ones for a word nobody knows."""
    words = {known: name for known, name in CLASS_WORDS.items() if name in FER2013}
    if word.lower() not in words:
        raise BadSettings(f"{where}: unknown class {word!r}: {_nearest(word, words)}")
    return words[word.lower()]


def passed_over(unreadable: Sequence[tuple[str, str]]) -> str:
    """What of :attr:`DataSet.unreadable` a person has to know, in one line."""
    if not unreadable:
        return "no files"
    (name, reason), count = unreadable[0], len(unreadable)
    return f"{count} file{'s' * (count > 1)} passed over, the first: {name} {reason}"


def _nearest(word: str, known: Iterable[str]) -> str:
    """The remedy for a name that isn't known."""
    names = list(known)
    close = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    guess = f"{close[0]!r} was probably meant; " if close else ""
    return f"{guess}rename it or take it out (known: {', '.join(names)})"


def _load_npzs(path: Path) -> DataSet:
    files = [path] if path.is_file() else sorted(path.glob("*.npz"))
    names = {_SPLITS.get(file.stem.lower(), file.stem): file for file in files}
    if len(names) < len(files):
        raise BadSettings(
            f"{path}: two files are the same split ({', '.join(file.name for file in files)}): "
            "keep one"
        )
    return DataSet({split: load_npz(file, split) for split, file in names.items()})


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of an npz."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (*_BROKEN_FILE, AttributeError):
        # Not NumPy's own words: of a file that is no npz it says how to load it unsafely.
        raise BadSettings(f"{path}: no npz, or not a whole one: get the file again") from None


def _check(
    path: Path,
    name: str,
    array: NDArray[Any],
    kinds: str,
    shape: tuple[int, ...],
    *,
    limit: int = 255,
) -> None:
    """Raises BadSettings where an array isn't whole numbers 0..limit of the wanted shape."""
    if array.shape != shape or array.dtype.kind not in kinds:
        raise BadSettings(
            f"{path}: {name} is {array.dtype} {list(array.shape)}: "
            f"wanted whole numbers {list(shape)}, write it as load_npz says"
        )
    if array.size and not 0 <= int(array.min()) <= int(array.max()) <= limit:
        raise BadSettings(
            f"{path}: {name} has values {array.min()}..{array.max()}: wanted 0..{limit}"
        )


def _npz_votes(path: Path, arrays: dict[str, NDArray[Any]], count: int) -> Votes:
    """FER+ votes in the order of FERPLUS; all 0 where an npz has none."""
    if "ferplus_votes" not in arrays:
        return np.zeros((count, len(FERPLUS)), np.uint8)
    names = [_VOTE_WORDS.get(str(name), str(name)) for name in arrays["ferplus_classes"].ravel()]
    if sorted(names) != sorted(FERPLUS):
        raise BadSettings(
            f"{path}: ferplus_classes is {', '.join(names)}: "
            f"wanted {', '.join(FERPLUS)} in any order"
        )
    _check(path, "ferplus_votes", arrays["ferplus_votes"], "iu", (count, len(FERPLUS)))
    _check(path, "ferplus_present", arrays["ferplus_present"], "biu", (count,))
    votes = arrays["ferplus_votes"][:, [names.index(name) for name in FERPLUS]].astype(np.uint8)
    return np.where(arrays["ferplus_present"].astype(bool)[:, None], votes, np.uint8(0))


def _csv_rows(path: Path, columns: Sequence[str]) -> Iterable[dict[str, str]]:
    """A CSV's rows; raises BadSettings for one without the wanted columns. Spaces around the
    names of columns, which one edition of the file has, don't matter."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            if missing := [name for name in columns if name not in header]:
                raise BadSettings(
                    f"{path}: has no column {missing[0]!r}: wanted {', '.join(columns)}"
                )
            for cells in lines:
                yield dict.fromkeys(header, "") | dict(zip(header, cells, strict=False))
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise BadSettings(f"{path}: no CSV ({error}): get the file again") from None


def _csv_picture(row: dict[str, str]) -> tuple[Grey, int]:
    """One row's picture and label; raises ValueError."""
    if row["emotion"] not in {str(number) for number in range(len(CSV_ORDER))}:
        raise ValueError(f"unknown emotion {row['emotion']!r} (known: 0 to {len(CSV_ORDER) - 1})")
    try:
        image = np.array(row["pixels"].split(), np.int64)
    except ValueError:
        raise ValueError("pixels that are no numbers") from None
    if image.size != SIDE_PX**2 or image.min() < 0 or image.max() > 255:
        raise ValueError(f"not {SIDE_PX**2} pixels of 0 to 255")
    label = FER2013.index(CSV_ORDER[int(row["emotion"])])
    return image.astype(np.uint8).reshape(SIDE_PX, SIDE_PX), label


def _csv_votes(path: Path) -> list[tuple[str, Votes]]:
    """Every row's Usage and votes, in the order of FERPLUS."""
    columns = ["NF" if name == "not a face" else name for name in FERPLUS]
    found = []
    for number, row in enumerate(_csv_rows(path, ("Usage", *columns)), 1):
        try:
            votes = np.array([int(row[column]) for column in columns], np.uint8)
            found.append((row["Usage"], votes))
        except (ValueError, OverflowError):
            raise BadSettings(
                f"{path}: row {number}: votes that are no numbers: get it again"
            ) from None
    return found


def _votes_of_row(path: Path, votes: list[tuple[str, Votes]], number: int, usage: str) -> Votes:
    """The votes beside a picture; raises BadSettings where the two files part ways."""
    if number > len(votes):
        raise _not_aligned(path, f"only {len(votes)} rows")
    if votes[number - 1][0] != usage:
        raise _not_aligned(path, f"row {number} is {votes[number - 1][0]!r}, not {usage!r}")
    return votes[number - 1][1]


def _not_aligned(path: Path, how: str) -> BadSettings:
    return BadSettings(
        f"{path.with_name(VOTES_CSV)}: doesn't go with {path.name} row by row ({how}): "
        "get the pair that belongs together, or take the votes away"
    )


def _folders(path: Path) -> list[Path]:
    """The folders in a folder, by name; not the hidden ones that systems leave about."""
    inside = (each for each in path.iterdir() if not each.name.startswith((".", "__")))
    return sorted(each for each in inside if each.is_dir())


def _read_split(
    root: Path, split: str, folder: Path, unreadable: list[tuple[str, str]]
) -> Pictures:
    """All pictures in a split's class folders; what can't be read is added to the list."""
    files: list[tuple[Path, int]] = []
    for loose in sorted(each for each in folder.iterdir() if each.suffix.lower() in _PICTURES):
        unreadable.append((loose.relative_to(root).as_posix(), "lies in no class folder"))
    for each in _folders(folder):
        label = FER2013.index(known_class(each.name, str(each)))
        inside = sorted(file for file in each.iterdir() if not file.name.startswith("."))
        files += [(file, label) for file in inside]
    rows = []
    for file, label in _shown(files, f"reading {split}"):
        name = file.relative_to(root).as_posix()
        try:
            if file.suffix.lower() not in _PICTURES:
                raise ValueError("is no picture file")
            rows.append((read_picture(file), label, np.zeros(len(FERPLUS), np.uint8), name))
        except ValueError as error:
            unreadable.append((name, str(error)))
    if not rows:
        raise BadSettings(
            f"{folder}: split {split!r} is empty ({passed_over(unreadable)}): "
            "put pictures into its class folders, or delete it"
        )
    return _stacked(split, rows)


def _stacked(split: str, rows: list[tuple[Grey, int, Votes, str]]) -> Pictures:
    images, labels, votes, names = zip(*rows, strict=True)
    return Pictures(split, np.stack(images), np.array(labels, np.int64), np.stack(votes), names)


def _shown(items: Iterable[T], what: str) -> Iterable[T]:
    """The items, with a progress bar on a terminal."""
    console = Console(stderr=True)
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)
