"""Every rule on one page."""

from devices.sensors.acceleration import ACCELERATION
from devices.sensors.button import BUTTON
from devices.sensors.contact import CONTACT
from devices.sensors.keypad import KEYPAD
from devices.sensors.meter import METER
from devices.sensors.motion import MOTION
from devices.sensors.position import POSITION
from devices.sensors.status import STATUS
from devices.sensors.targets import TARGETS
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
    stuck, implausible, wear = Stuck(premises), Implausible(premises), Wear(premises)
    return Pipeline(
        Offline(premises),
        (
            Lane(
                KEYPAD, Keypad(premises), Schedule(premises)
            ),  # first: what else is judged at that time is judged by the mode that they set
            Lane(BUTTON, Sos(premises), long_lie, quiet, daily, no_return),
            Lane(ACCELERATION, Fall(premises), long_lie, quiet, daily, stuck, implausible, wear),
            Lane(POSITION, Area(premises), Wandering(premises), EverybodyLeft(premises), line, quiet, daily, implausible),
            Lane(TARGETS, line, quiet, daily, no_return, stuck),
            Lane(CONTACT, line, intrusion, LeftOpen(premises), Doors(premises), quiet, daily, no_return, implausible),
            Lane(MOTION, line, intrusion, quiet, daily, no_return, stuck),
            Lane(METER, Water(premises), quiet, daily, no_return, stuck, implausible),
            Lane(STATUS, Tamper(premises), LowBattery(premises), quiet, no_return, wear),
        ),
        faults=(Clock(premises),),
    )
