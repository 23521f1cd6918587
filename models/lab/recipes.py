"""What every recipe has: passes, a start, a hash, and a file that it is read from.

A task's own recipe is a subclass; a field ``task: Literal["faces"] = "faces"`` says which task's
(the expression recipe, which is older, has none). Nothing here needs PyTorch.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, Self, TypeVar

import msgspec

from readroom.errors import BadSettings

#: The task of a recipe that names none.
EXPRESSION: Final = "expression"


class BaseRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a network is trained: everything that decides the result, but for the data."""

    #: Of the task's networks.ARCHITECTURES.
    architecture: str
    #: Passes over the training pictures.
    epochs: int
    seed: int = 1

    #: Names of the fields that are epochs, too.
    parts: ClassVar[tuple[str, ...]] = ()

    def over(self, epochs: int) -> Self:
        """The same recipe over so many epochs, its parts in proportion."""
        parts = {name: round(getattr(self, name) * epochs / self.epochs) for name in self.parts}
        return msgspec.structs.replace(self, epochs=epochs, **parts)

    @property
    def hash(self) -> str:
        """First 12 hexadecimal digits of the recipe's SHA-256."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:12]


AnyRecipe = TypeVar("AnyRecipe", bound=BaseRecipe)


class _Task(msgspec.Struct):
    task: str = EXPRESSION


def check_least(recipe: BaseRecipe, least: Mapping[str, float]) -> None:
    """Raises ValueError where a field, by name, is less than it may be, infinite or no number."""
    for name, wanted in least.items():
        value = getattr(recipe, name)
        if not wanted <= value < math.inf:
            raise ValueError(f"{name}={value}: wanted a number of at least {wanted}")


def check_shares(recipe: BaseRecipe, names: Sequence[str]) -> None:
    """Raises ValueError where one of the named fields is not in 0..1."""
    for name in names:
        value = getattr(recipe, name)
        if not 0 <= value <= 1:
            raise ValueError(f"{name}={value}: wanted 0 to 1")


def read_recipe(path: Path, recipe_type: type[AnyRecipe]) -> AnyRecipe:
    """A recipe from a TOML or JSON file; raises BadSettings where it isn't one of that type."""
    decode = msgspec.toml.decode if path.suffix.lower() == ".toml" else msgspec.json.decode
    try:
        return decode(path.read_bytes(), type=recipe_type)
    except OSError as error:
        raise BadSettings(f"{path}: can't be read ({error.strerror}): name a recipe file") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        module = recipe_type.__module__.removeprefix("readroom.").replace(".", "/")
        raise BadSettings(f"{path}: no recipe: {error}; see {module}.py") from None


def read_task(path: Path) -> str:
    """The task that a run's ``recipe.json`` names. Raises BadSettings where there is no such file
    or it is no JSON object."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Task).task
    except OSError as error:
        raise BadSettings(
            f"{path}: can't be read ({error.strerror}): name a folder that `readroom lab train` "
            "made"
        ) from None
    except msgspec.MsgspecError as error:
        raise BadSettings(f"{path}: no recipe: {error}; train into another folder") from None
