"""Anju's command line.

    devices ─▶ broker ─▶ ingest ─▶ log ─▶ worker: Decoder ─▶ Pipeline of LANES ─▶ incidents ─▶ outbox ─▶ dispatch ─▶ gateway
                                                                                    └──────▶ web

Exit status: 0 done, 2 the input is wrong (one line on standard error), 1 anything else.
"""

import importlib
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType

import click

from devices.model import AnjuError

_IN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "commands.serving": ("serve",),
        "commands.judging": ("ingest", "worker"),
        "commands.telling": ("dispatch",),
        "commands.showing": ("web", "public"),
        "commands.communities": ("import", "shapes", "device", "code", "account"),
        "commands.messages": ("notify", "contact", "costs", "gateway", "fake-carrier"),
        "commands.recorded": ("replay", "detect", "evaluate"),
        "commands.simulation": ("simulate", "demo"),
        "commands.measuring": ("bench",),
    }
)
"""Which module has which commands."""


class _Lazily(click.Group):
    """A group that loads the module of a command when it is asked for: a part of the service starts without what only others need."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  of click
        """Names of all commands."""
        return sorted(name for names in _IN.values() for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  of click
        """A command; None if there is none of this name."""
        module = next((module for module, names in _IN.items() if cmd_name in names), None)
        if module is None:
            return None
        name = "import_" if cmd_name == "import" else cmd_name.replace("-", "_")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_Lazily, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="anju")
def cli() -> None:
    """Anju (安居): alerts that reach a person and end with one."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"anju: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:  # whoever read our lines has gone; nothing more can be said to them, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except AnjuError as error:
        click.echo(f"anju: {error}", err=True)
        sys.exit(error.status)
    except OSError as error:
        click.echo(f"anju: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
