"""What messages cost, what is not sent because there is no money, and what is sent all the same."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fakes.night import GUARD, JIE, START_NS, WILLOW, Network, people, write_estate

from devices.model import NS_PER_S
from incidents.directory import Channel, Severity
from notifier.dispatch import Dispatcher
from notifier.spending import MICRO, Price, Spending, Stage, is_refused, month_began_ns
from rules.kinds import EventKind
from store import spending
