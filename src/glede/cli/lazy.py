"""Commands whose modules are imported when they are called, so that each needs its own extra only."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from glede.cli.output import CommandError

PACKAGE = "glede"
_ANY_ARGUMENTS = {"ignore_unknown_options": True, "allow_extra_args": True}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is: ``module:name`` of a function or a Typer, and the extra that its module needs."""

    path: str
    extra: str | None = None


class LazyGroup(TyperGroup):
    """A group whose subclass tells ``places`` of commands by their names, in the order of its help."""

    places: ClassVar[Mapping[str, Place]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # The names are wanted for suggestions, too; what stands for them is replaced when it is looked up.
        self.commands.update({name: TyperCommand(name) for name in self.places})
        self._loaded: set[str] = set()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command; where its packages are missing, one that says so."""
        place = self.places.get(cmd_name)
        if place and cmd_name not in self._loaded:
            self.commands[cmd_name] = _load(cmd_name, place)
            self._loaded.add(cmd_name)
        return super().get_command(ctx, cmd_name)


def _load(name: str, place: Place) -> Any:
    module, _, attribute = place.path.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if place.extra is None or package == PACKAGE:
            raise
        return _missing(name, place.extra, package)
    app = typer.Typer()
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name)
    else:
        app.command(name)(found)
    return typer.main.get_group(app).commands[name]


def _missing(name: str, extra: str, package: str) -> TyperCommand:
    def refuse() -> None:
        raise CommandError(
            f"{name}: needs the extra `{extra}`, but {package} is not installed; "
            f"pip install '{PACKAGE}[{extra}]', or take an image that has it",
            1,
        )

    text = f"Not in this installation: needs the extra `{extra}`."
    return TyperCommand(name, callback=refuse, help=text, context_settings=_ANY_ARGUMENTS)
