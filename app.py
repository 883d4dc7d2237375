"""Anju's composition root and command line: the whole service on one page.

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
from devices.sensors.acceleration import ACCELERATION
from devices.sensors.button import BUTTON
from devices.sensors.contact import CONTACT
from devices.sensors.keypad import KEYPAD
from devices.sensors.meter import METER
from devices.sensors.motion import MOTION
from devices.sensors.position import POSITION
from devices.sensors.status import STATUS
from devices.sensors.targets import TARGETS
from rules.community import OwnRules
from rules.fall.rule import Fall
from rules.fall.stillness import LongLie
from rules.faults.fault import Clock, LowBattery, Offline, Tamper
from rules.faults.plausible import Implausible
from rules.faults.stuck import Stuck
from rules.faults.wear import Wear
from rules.fences.areas import Area
from rules.fences.lines import Line
from rules.home.contact import LeftOpen
from rules.home.doors import Doors
from rules.home.intrusion import Intrusion
from rules.home.keypad import Keypad
from rules.home.schedule import Schedule
from rules.home.water import Water
from rules.model import Lane
from rules.person.absence import NoReturn
from rules.person.daily import DailyWord
from rules.person.inactivity import Inactivity
from rules.person.leaving import EverybodyLeft
from rules.person.sos import Sos
from rules.person.wandering import Wandering
from rules.pipeline import Pipeline
from rules.premises import Premises


def pipeline(premises: Premises) -> Pipeline:
    """Every rule, in the lanes of the readings it looks at; a rule that needs two kinds stands in two lanes."""
    line, long_lie, intrusion = Line(premises), LongLie(premises), Intrusion(premises)
    quiet, no_return, daily = Inactivity(premises), NoReturn(premises), DailyWord(premises)
    stuck, implausible, wear, own = Stuck(premises), Implausible(premises), Wear(premises), OwnRules(premises)
    return Pipeline(
        Offline(premises),
        (
            # First: what else is judged at that time is judged by the mode that they set.
            Lane(KEYPAD, Keypad(premises), Schedule(premises)),
            Lane(BUTTON, Sos(premises), long_lie, quiet, daily, no_return),
            Lane(ACCELERATION, Fall(premises), long_lie, quiet, daily, stuck, implausible, wear),
            Lane(POSITION, Area(premises), Wandering(premises), EverybodyLeft(premises), line, quiet, daily, implausible),
            Lane(TARGETS, line, quiet, daily, no_return, stuck),
            Lane(CONTACT, line, intrusion, LeftOpen(premises), Doors(premises), quiet, daily, no_return, implausible, own),
            Lane(MOTION, line, intrusion, quiet, daily, no_return, stuck, own),
            Lane(METER, Water(premises), quiet, daily, no_return, stuck, implausible),
            Lane(STATUS, Tamper(premises), LowBattery(premises), quiet, no_return, wear),
        ),
        faults=(Clock(premises),),
        registry=premises.registry,
    )


_IN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "commands.serving": ("serve",),
        "commands.judging": ("ingest", "worker"),
        "commands.telling": ("dispatch",),
        "commands.showing": ("web", "public"),
        "commands.communities": ("import", "shapes", "device", "person", "code", "account"),
        "commands.messages": ("notify", "contact", "costs", "gateway", "fake-carrier"),
        "commands.recorded": ("replay", "rehearse", "export-capture", "detect", "evaluate"),
        "commands.simulation": ("simulate", "demo"),
        "commands.measuring": ("bench",),
        "commands.reporting": ("report",),
        "commands.readiness": ("readiness", "drill"),
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
@click.pass_context
def cli(context: click.Context) -> None:
    """Anju (安居): alerts that reach a person and end with one."""
    context.obj = pipeline


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
