"""Wandering: pacing, lapping or random walking out of doors, and leaving an area by night.

The patterns are Martino-Saltzman's (The Gerontologist 1991, 31(5):666): travel is direct, random, pacing or lapping, and the last three are
wandering. They are found in positions as Lin, Zhang, Huang and Ni do (Detecting wandering behavior based on GPS traces for elders with
dementia, ICARCV 2012): noise is taken out first, then sharp changes of direction and loops are counted. The limits are our own, chosen on
simulated positions with the noise that `geofence.sides` assumes: 162 nights of sitting gave one false alarm, at a fix every 30 s.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from devices.model import NS_PER_S, CommunityId, Device, PersonId
from devices.sensors.position import PositionBatch
from geofence import paths
from geofence.paths import Path, Pattern
from rules.areas import Borders, Crossing, is_guarding, usable
from rules.model import Cleared, Event, EventKind, Facts, Premises, Snapshot

LENGTH_M, RADIUS_M = 500.0, 120.0
"""Walked in 20 minutes without getting far: an errand and a straight walk get further, somebody who sits does not walk so much."""

SHARP_TURNS, METRES_A_TURN = 6, 100.0
"""Pacing and random: turns back, and one every so many metres. There and back to a shop has one."""

LAPS, LAP_M = 3.0, 300.0
"""Lapping: so often round, and no longer a lap: the usual way round a park or a block is longer."""

QUIET_NS = 1800 * NS_PER_S
"""After so long without a pattern the next is a new walk."""

WAY = "way"
"""Cause of a pattern; that of a leaving is its fence."""

STAY_M, STAY_ACCURACIES = 30.0, 3.0
HOME_NS, BACK_NS = 3600 * NS_PER_S, 900 * NS_PER_S
"""Where somebody stayed for an hour before is home; a stay of a quarter of an hour there ends it."""
STAY_LENGTH_M = 300.0
"""Who walks more than this in a quarter of an hour does not stay."""


@dataclass(slots=True, kw_only=True)
class _Stay:
    """Where one device has been since a time, WGS 84 degrees and the scale there, and where it stayed long before; NaN for nowhere yet."""

    lon_deg: float
    lat_deg: float
    since_ns: int
    home: tuple[float, float] | None = None


@dataclass(slots=True, kw_only=True)
class _Told:
    """What one person was told of.

    Attributes
    ----------
    odd_ns : int
        When a pattern that is told was seen last; 0 for never.
    is_odd : bool
        It was told and is not cleared.
    out : list of str
        Fences that were left by night, and not come back into.
    """

    odd_ns: int = 0
    is_odd: bool = False
    out: list[str] = field(default_factory=list)
