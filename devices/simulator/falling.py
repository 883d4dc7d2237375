"""How people fall, in numbers: what the simulator draws its falls from.

Nothing recorded is stored here. The numbers of a placement are a few physical quantities of a fall; each was set, and rounded, so that the
quantiles of what is drawn come near those of acted falls: WEDA-FALL for the wrist (Marques & Moreno, Sensors 2023, 23(3):1146), SisFall for
the waist (Sucerquia et al., Sensors 2017, 17(1):198). How near, and where not: docs/reference/simulated-falls.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from devices.model import Placement


class Kind(StrEnum):
    """How somebody falls."""

    FORWARD = "forward"
    BACKWARD = "backward"
    SIDEWAYS = "sideways"
    KNEES = "knees"
    CHAIR = "chair"
    FAINTING = "fainting"
    SLIDE = "slide"


class Before(StrEnum):
    """What they did until they fell."""

    WALKING = "walking"
    HURRYING = "hurrying"
    RISING = "rising"
    SITTING = "sitting"


class Spread(NamedTuple):
    """A positive quantity: its middle, and the standard deviation of its logarithm."""

    middle: float
    sigma: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Falling:
    """A fall as it is felt at a placement.

    Attributes
    ----------
    lowest_share, sinking_s : Spread
        What is left of the weight when balance is lost, and for how long before the hardest contact it goes away.
    sway_g : Spread
        Arms or trunk that try to keep the balance meanwhile.
    peak_g, width_s : Spread
        The hardest contact: what it adds to gravity, and half of its duration.
    echo, echo_hz, echo_s : Spread
        What swings after a contact: its share of the contact, how fast, and how soon it dies away.
    earlier, earlier_share, earlier_s
        How likely knees or a hand come down first, what share of the hardest contact they are, and how long before it.
    later, later_share, later_s
        How many parts of the body come down afterwards (mean), and the same of each.
    shake_g, shake_s : Spread
        Tumbling and rolling after the contact, and how soon it dies away.
    turn_deg, turn_sd_deg : float
        The angle by which the sensor turns, and its standard deviation.
    turning_s, settling_s : Spread
        How long before the contact it begins to turn, and how long after it it has done so.
    detour_deg : Spread
        How far it turns elsewhere meanwhile.
    stir_g : Spread
        Small movements of somebody who lies.
    rolling_deg : Spread
        How far they turn over, or move the arm, in the seconds after the fall.
    gather, narrow : float
        A harder fall has fallen longer and more freely, and stops in less time: exponents of its hardness.
    gait : float
        Factor of the steps before the fall: those who were recorded were young.
    calm_g, rising_g : Spread
        Movements before the fall, of who sits, and of who rises or sits down.
    hardness : float
        Deviation of the logarithm that all contacts of a fall and the tumbling have in common.
    range_g : float
        What the sensor of the recordings can tell along an axis.
    """

    lowest_share: Spread
    sinking_s: Spread
    sway_g: Spread
    peak_g: Spread
    width_s: Spread
    echo: Spread
    echo_hz: Spread
    echo_s: Spread
    earlier: float
    earlier_share: Spread
    earlier_s: Spread
    later: float
    later_share: Spread
    later_s: Spread
    shake_g: Spread
    shake_s: Spread
    turn_deg: float
    turn_sd_deg: float
    turning_s: Spread
    settling_s: Spread
    detour_deg: Spread
    stir_g: Spread
    rolling_deg: Spread
    gather: float
    narrow: float
    gait: float
    calm_g: Spread
    rising_g: Spread
    hardness: float
    range_g: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gait:
    """Walking as it is felt at a placement.

    Attributes
    ----------
    step_hz : Spread
        Steps a second.
    bounce_g, harmonic_g : Spread
        Up and down with each step, and its first harmonic.
    swing_deg : Spread
        Of the arm, or of the trunk, at half the step's rhythm.
    side_g, heel_g : Spread
        Ahead and aside; and the trembling when a heel comes down.
    """

    step_hz: Spread
    bounce_g: Spread
    harmonic_g: Spread
    swing_deg: Spread
    side_g: Spread
    heel_g: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """Sitting down as it is felt at a placement.

    Attributes
    ----------
    dip_g, bump_g, width_s : Spread
        The weight that is missing just before the chair, what the chair adds, and half of its duration.
    sway_g : Spread
        Other movement meanwhile.
    lean_deg, turn_deg : Spread
        How far it leans and comes back, and by how much it has turned in the end.
    """

    dip_g: Spread
    bump_g: Spread
    width_s: Spread
    sway_g: Spread
    lean_deg: Spread
    turn_deg: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a kind of fall differs: what was done before it (with weights), and factors.

    Attributes
    ----------
    before : mapping
        What they did before, and how often, adding up to 1.
    peak, sinking, shake : float
        Factors of the contacts, of how long the weight goes away, and of the tumbling.
    lowest : float
        Exponent of the share of weight that is left: below 1, more of it is left.
    turn, turning : float
        Factors of the angle, and of how long before the contact the sensor begins to turn.
    """

    before: Mapping[Before, float]
    peak: float = 1.0
    sinking: float = 1.0
    lowest: float = 1.0
    shake: float = 1.0
    turn: float = 1.0
    turning: float = 1.0


WRIST = Falling(
    lowest_share=Spread(0.23, 0.24),
    sinking_s=Spread(0.3, 0.5),
    sway_g=Spread(0.66, 0.33),
    peak_g=Spread(4.9, 0.33),
    width_s=Spread(0.022, 0.17),
    echo=Spread(0.87, 0.21),
    echo_hz=Spread(16.0, 0.35),
    echo_s=Spread(0.11, 0.41),
    earlier=0.15,
    earlier_share=Spread(0.75, 0.3),
    earlier_s=Spread(0.17, 0.35),
    later=2.5,
    later_share=Spread(0.19, 0.2),
    later_s=Spread(0.2, 0.48),
    shake_g=Spread(1.8, 0.31),
    shake_s=Spread(0.27, 0.23),
    turn_deg=81.0,
    turn_sd_deg=31.0,
    turning_s=Spread(0.8, 0.4),
    settling_s=Spread(1.1, 0.31),
    detour_deg=Spread(75.0, 0.19),
    stir_g=Spread(0.044, 1.2),
    rolling_deg=Spread(2.4, 1.6),
    gather=0.14,
    narrow=0.12,
    gait=1.35,
    calm_g=Spread(0.016, 0.9),
    rising_g=Spread(0.06, 0.55),
    hardness=0.076,
    range_g=4.0,
)
WAIST = Falling(
    lowest_share=Spread(0.45, 0.36),
    sinking_s=Spread(0.62, 0.12),
    sway_g=Spread(0.41, 0.18),
    peak_g=Spread(4.6, 0.36),
    width_s=Spread(0.02, 0.29),
    echo=Spread(0.55, 0.45),
    echo_hz=Spread(16.0, 0.13),
    echo_s=Spread(0.059, 0.26),
    earlier=0.22,
    earlier_share=Spread(0.75, 0.32),
    earlier_s=Spread(0.45, 0.38),
    later=0.29,
    later_share=Spread(0.31, 0.43),
    later_s=Spread(0.18, 0.26),
    shake_g=Spread(0.7, 0.25),
    shake_s=Spread(0.32, 0.1),
    turn_deg=94.0,
    turn_sd_deg=13.0,
    turning_s=Spread(0.82, 0.55),
    settling_s=Spread(0.33, 0.53),
    detour_deg=Spread(10.0, 0.33),
    stir_g=Spread(0.0098, 0.74),
    rolling_deg=Spread(1.2, 1.6),
    gather=0.25,
    narrow=0.3,
    gait=1.2,
    calm_g=Spread(0.0089, 0.88),
    rising_g=Spread(0.045, 0.7),
    hardness=0.08,
    range_g=16.0,
)

_WALKING = {Before.WALKING: 1.0}
_WRIST_MANNERS = {
    Kind.FORWARD: Manner(before=_WALKING, peak=1.1, lowest=0.78, sinking=1.1, shake=1.2, turning=0.83, turn=0.98),
    Kind.BACKWARD: Manner(before=_WALKING, peak=1.1, lowest=1.3, sinking=1.5, shake=1.0, turning=1.3, turn=1.1),
    Kind.SIDEWAYS: Manner(before=_WALKING, peak=0.94, lowest=1.1, sinking=1.1, shake=1.3, turning=1.2, turn=1.1),
    Kind.CHAIR: Manner(before={Before.RISING: 1.0}, peak=0.8, lowest=0.63, sinking=0.63, shake=1.4, turning=0.6, turn=0.93),
    Kind.FAINTING: Manner(before={Before.SITTING: 1.0}, peak=0.98, lowest=1.2, sinking=0.93, shake=0.74, turning=1.2, turn=0.97),
    Kind.KNEES: Manner(before=_WALKING, peak=0.6, lowest=0.7, shake=0.7, turn=0.7),
    Kind.SLIDE: Manner(before={Before.RISING: 1.0}, peak=0.3, sinking=2.0, lowest=0.2, shake=0.4, turn=0.8),
}
_WAIST_MANNERS = {
    Kind.FORWARD: Manner(
        before={Before.WALKING: 0.67, Before.HURRYING: 0.33}, peak=1.2, lowest=1.1, sinking=0.96, shake=1.2, turning=0.9, turn=0.97
    ),
    Kind.BACKWARD: Manner(before=_WALKING, peak=1.5, lowest=1.9, sinking=0.88, shake=1.1, turning=0.6, turn=0.98),
    Kind.SIDEWAYS: Manner(before=_WALKING, peak=1.3, lowest=1.3, sinking=1.3, shake=1, turning=0.75, turn=1.1),
    Kind.CHAIR: Manner(before={Before.RISING: 1.0}, peak=0.88, lowest=0.71, sinking=1.2, shake=0.84, turning=1.2, turn=1.0),
    Kind.FAINTING: Manner(
        before={Before.WALKING: 0.4, Before.SITTING: 0.6}, peak=0.84, lowest=1.1, sinking=0.81, shake=1, turning=1.1, turn=0.99
    ),
    Kind.KNEES: Manner(before=_WALKING, peak=0.6, lowest=0.7, turn=0.7),
    Kind.SLIDE: Manner(before={Before.RISING: 1.0}, peak=0.25, sinking=2.0, lowest=0.2, shake=0.5),
}
MIX = {
    Placement.WRIST: {Kind.FORWARD: 0.24, Kind.SIDEWAYS: 0.12, Kind.BACKWARD: 0.12, Kind.CHAIR: 0.12, Kind.FAINTING: 0.4},
    Placement.WAIST: {Kind.FORWARD: 0.2, Kind.BACKWARD: 0.07, Kind.SIDEWAYS: 0.07, Kind.CHAIR: 0.33, Kind.FAINTING: 0.33},
}
FALLING = {Placement.WRIST: WRIST, Placement.WAIST: WAIST}
MANNERS = {Placement.WRIST: _WRIST_MANNERS, Placement.WAIST: _WAIST_MANNERS}

GAITS = {
    Placement.WRIST: Gait(
        step_hz=Spread(1.4, 0.21),
        bounce_g=Spread(0.17, 0.45),
        harmonic_g=Spread(0.1, 0.48),
        swing_deg=Spread(4.8, 0.21),
        side_g=Spread(0.1, 0.2),
        heel_g=Spread(0.063, 0.3),
    ),
    Placement.WAIST: Gait(
        step_hz=Spread(1.5, 0.073),
        bounce_g=Spread(0.13, 0.2),
        harmonic_g=Spread(0.08, 0.6),
        swing_deg=Spread(2.4, 0.095),
        side_g=Spread(0.13, 0.2),
        heel_g=Spread(0.13, 0.3),
    ),
}
SITTING_DOWN = {
    Placement.WRIST: Sitting(
        dip_g=Spread(0.12, 0.58),
        bump_g=Spread(0.54, 0.47),
        width_s=Spread(0.055, 0.13),
        sway_g=Spread(0.16, 0.4),
        lean_deg=Spread(5.0, 0.3),
        turn_deg=Spread(82.0, 0.24),
    ),
    Placement.WAIST: Sitting(
        dip_g=Spread(0.26, 0.8),
        bump_g=Spread(0.4, 1.0),
        width_s=Spread(0.058, 0.15),
        sway_g=Spread(0.1, 0.8),
        lean_deg=Spread(45.0, 0.4),
        turn_deg=Spread(5.0, 0.8),
    ),
}
