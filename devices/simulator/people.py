"""Invented people of the invented estate: names, numbers, who is on duty and who is told what."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple


class Name(NamedTuple):
    """Part of a name, in characters and in letters."""

    written: str
    latin: str


ABROAD_EVERY = 5
"""Every so many households have a child abroad."""

_SURNAMES = tuple(
    Name(*pair)
    for pair in (
        *(("王", "wang"), ("李", "li"), ("张", "zhang"), ("徐", "xu"), ("陈", "chen")),
        *(("杨", "yang"), ("赵", "zhao"), ("周", "zhou"), ("吴", "wu"), ("蒋", "jiang")),
    )
)
_WOMEN = (("秀英", "xiuying"), ("桂兰", "guilan"), ("玉珍", "yuzhen"), ("淑华", "shuhua"), ("凤珍", "fengzhen"), ("素芳", "sufang"))
_MEN = (("福根", "fugen"), ("荣生", "rongsheng"), ("长顺", "changshun"), ("宝林", "baolin"), ("德茂", "demao"), ("金海", "jinhai"))
_GIVEN = tuple(Name(*pair) for both in zip(_WOMEN, _MEN, strict=True) for pair in both)
_CHILDREN = ("磊", "静", "敏", "伟", "娜", "洁", "斌")
_CHILDREN_ABROAD = ("Anna", "Kevin", "Grace", "Daniel", "Lily", "Victor", "Helen", "Jason")
_DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

STAFF: list[dict[str, Any]] = [
    {"id": "guard-sun", "name": "孙队长", "roles": ["guard"], "phone": "+8613800000301"},
    {"id": "guard-ma", "name": "马师傅", "roles": ["guard"], "phone": "+8613800000302"},
    {"id": "guard-he", "name": "何队长", "roles": ["guard"], "phone": "+8613800000303"},
    {"id": "guard-lin", "name": "林师傅", "roles": ["guard"], "phone": "+8613800000304"},
    {"id": "guard-tang", "name": "唐队长", "roles": ["guard"], "phone": "+8613800000305"},
    {"id": "guard-qian", "name": "钱师傅", "roles": ["guard"], "phone": "+8613800000306"},
    {"id": "hospital-desk", "name": "社区医院急诊台", "roles": ["hospital"], "phone": "+8613800000401"},
    {"id": "office", "name": "物业办公室", "roles": ["administrator"], "phone": "+8613800000402"},
]

_SHIFTS = (("07:00", "15:00", ("guard-sun", "guard-ma")), ("15:00", "23:00", ("guard-he", "guard-lin")))
_NIGHT = ("23:00", "07:00", ("guard-tang", "guard-qian"))
ROSTER: dict[str, Any] = {
    "id": "gate",
    "shifts": [
        {"responder": guard, "days": _DAYS, "from": begin, "to": end} for begin, end, guards in (*_SHIFTS, _NIGHT) for guard in guards
    ],
}
"""Two guards at any time."""

POLICIES: list[dict[str, Any]] = [
    {
        "id": "distress",
        "kinds": ["fall", "long_lie", "sos", "duress", "inactivity"],
        "cancel_window_s": 10,  # short, so that whoever watches the demo sees it all within a minute
        "steps": [
            {"after_s": 0, "tell": ["relatives", "roster:gate"], "by": ["sms"]},
            {"after_s": 40, "tell": ["relatives", "roster:gate"], "by": ["voice"]},  # who cannot write back presses a key
            {"after_s": 120, "tell": ["hospital"], "by": ["sms", "voice"]},
        ],
        "repeat": {"every_s": 300, "times": 2},
    },
    {
        "id": "perimeter",
        "kinds": ["intrusion", "approach", "cross"],
        "steps": [{"after_s": 0, "tell": ["occupants", "relatives", "roster:gate"], "by": ["sms"]}],
    },
    {
        "id": "absence",
        "kinds": ["exit", "absent", "wandering", "no_return"],
        "steps": [{"after_s": 0, "tell": ["relatives", "roster:gate"], "by": ["sms"]}],
    },
    {"id": "left-open", "kinds": ["left_open"], "steps": [{"after_s": 0, "tell": ["occupants", "roster:gate"], "by": ["sms"]}]},
    {
        "id": "technical",
        "kinds": ["offline", "low_battery", "tamper", "stuck", "clock", "implausible", "not_worn", "outage"],
        "steps": [{"after_s": 0, "tell": ["office"], "by": ["sms"]}],
    },
]


def elders() -> Iterator[tuple[Name, Name]]:
    """Surname and given name of one resident after another, women and men in turn; all differ."""
    for i in range(math.lcm(len(_SURNAMES), len(_GIVEN))):
        yield _SURNAMES[i % len(_SURNAMES)], _GIVEN[i % len(_GIVEN)]


def resident_phone(i: int) -> str:
    """Number of the i-th resident, i below 100."""
    return f"+86138000001{i:02d}"


def child(surname: Name, of: list[str], i: int) -> dict[str, Any]:
    """The i-th child, i below 100."""
    return {
        "id": f"family-{of[0]}",
        "name": surname.written + _CHILDREN[i % len(_CHILDREN)],
        "roles": ["relative"],
        "of": of,
        "phone": f"+86138000002{i:02d}",
    }


def child_abroad(surname: Name, of: list[str], i: int) -> dict[str, Any]:
    """The i-th child abroad, i below 100."""
    return {
        "id": f"abroad-{of[0]}",
        "name": f"{_CHILDREN_ABROAD[i % len(_CHILDREN_ABROAD)]} {surname.latin.title()}",
        "roles": ["relative"],
        "of": of,
        "phone": f"+141555501{i:02d}",
        "language": "en",
    }
