"""Telephones: what came to them, what state they are in, and the call that they are in.

A phone is used by hand (a visitor of the phones page answers, presses keys and writes back) or has a habit. Time in calls is counted in
seconds of a call; `pace` says how long one of them really lasts, 0 is at once.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

SYLLABLES_PER_S = 4.0
"""How fast a voice reads: about so many characters of Chinese, or thrice as many of letters."""
LETTERS_PER_SYLLABLE = 3.0
KEPT = 60
"""Entries that a phone shows."""


class Condition(StrEnum):
    """What a phone is like."""

    ON = "on"
    OFF = "off"
    """Switched off: messages fail, calls reach nobody."""
    FULL = "full"
    """It takes no more messages; it rings."""
    UNREACHABLE = "unreachable"
    """Without a signal: nothing is heard of messages until it is back; calls reach nobody."""
    MAILBOX = "mailbox"
    """Messages arrive; calls are answered by a machine."""


class What(StrEnum):
    """What an entry is."""

    TEXT = "text"
    """A message that came."""
    WRITTEN = "written"
    """A message that its owner wrote."""
    CALL = "call"


class CallState(StrEnum):
    """Where a call stands, as its phone shows it."""

    RINGING = "ringing"
    TALKING = "talking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What an owner does by themselves: whether they answer, and which keys they press when asked."""

    answers: bool = True
    keys: str = ""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One thing in a phone's memory.

    Attributes
    ----------
    other : str
        From whom it came, or to whom it was written.
    arrived : bool
        Of what was written: somebody took it.
    """

    number: int
    at_s: float
    what: What
    other: str
    text: str
    arrived: bool = True


@dataclass(slots=True, kw_only=True)
class Call:
    """A call that a phone is in. `said` is what was read out so far; `asks` that a key is waited for."""

    id: str
    other: str
    state: CallState = CallState.RINGING
    said: list[str] = field(default_factory=list)
    keys: str = ""
    pressed: str = ""
    """All keys so far: what the page shows."""
    is_over: bool = False


@dataclass(slots=True, kw_only=True)
class Phone:
    """One telephone."""

    e164: str
    condition: Condition = Condition.ON
    habit: Habit | None = None
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    call: Call | None = None
    waiting: list[Callable[[], None]] = field(default_factory=list)
    """What is to be done once it has a signal again."""


class WishError(Exception):
    """What somebody wanted of a phone cannot be done now; the words say why."""


class Phones:
    """All telephones of the world: each number has one, which is on until somebody changes that.

    Parameters
    ----------
    pace
        How long a second of a call really lasts, s.
    habit
        Of every phone that has none of its own; None: they are used by hand.
    clock
        Wall clock, s since the epoch.
    """

    def __init__(self, *, pace: float = 1.0, habit: Habit | None = None, clock: Callable[[], float] = time.time) -> None:
        self.pace = pace
        self.habit = habit
        self.clock = clock
        self.changed = threading.Condition(threading.RLock())
        self.version = 0
        self.is_closed = False
        self.lines: dict[str, Callable[[Phone, str], bool]] = {}
        """By a sender's number: who takes what is written back to it; whether they did."""
        self._phones: dict[str, Phone] = {}
        self._numbers = count(1)

    def of(self, e164: str) -> Phone:
        """Somebody's phone."""
        with self.changed:
            return self._phones.setdefault(e164, Phone(e164=e164))

    def every(self) -> list[Phone]:
        """Those that were ever used."""
        with self.changed:
            return list(self._phones.values())

    def habit_of(self, phone: Phone) -> Habit | None:
        """Its own, else everybody's."""
        return phone.habit or self.habit

    def note(self, phone: Phone, what: What, other: str, text: str) -> Entry:
        """Put something into a phone's memory."""
        with self.changed:
            entry = Entry(number=next(self._numbers), at_s=self.clock(), what=what, other=other, text=text)
            phone.entries.append(entry)
            self._tell()
            return entry

    def turn(self, e164: str, condition: Condition) -> None:
        """Change what a phone is like; what waited for a signal arrives."""
        phone = self.of(e164)
        with self.changed:
            phone.condition = condition
            waiting, phone.waiting = (phone.waiting, []) if condition is not Condition.UNREACHABLE else ([], phone.waiting)
            if condition in {Condition.OFF, Condition.UNREACHABLE} and phone.call is not None:
                phone.call.is_over = True
            self._tell()
        for arrives in waiting:
            arrives()

    def write(self, e164: str, text: str) -> None:
        """Write back to whoever sent the newest message.

        Raises
        ------
        WishError
            Nobody has sent any, or the phone is off.
        """
        phone = self.of(e164)
        with self.changed:
            if phone.condition in {Condition.OFF, Condition.UNREACHABLE}:
                raise WishError("the phone is off or has no signal")
            other = next((one.other for one in reversed(phone.entries) if one.what is What.TEXT), None)
            if other is None:
                raise WishError("nobody has sent it a message")
            entry = self.note(phone, What.WRITTEN, other, text)
        took = self.lines.get(other)
        arrived = took is not None and took(phone, text)
        with self.changed:
            entry.arrived = arrived
            self._tell()

    def answer(self, e164: str) -> None:
        """Answer the call that rings.

        Raises
        ------
        WishError
            None rings.
        """
        with self._in_call(e164, CallState.RINGING) as call:
            call.state = CallState.TALKING

    def hang_up(self, e164: str) -> None:
        """End the call, or turn it away while it rings.

        Raises
        ------
        WishError
            There is none.
        """
        with self._in_call(e164, None) as call:
            call.is_over = True

    def press(self, e164: str, keys: str) -> None:
        """Press keys during a call.

        Raises
        ------
        WishError
            There is no call.
        """
        with self._in_call(e164, CallState.TALKING) as call:
            call.keys += keys
            call.pressed += keys

    def wait_for(self, condition: Callable[[], bool], wait_s: float) -> bool:
        """Wait so many seconds of a call for something on a phone; whether it came about."""
        with self.changed:
            self.changed.wait_for(lambda: self.is_closed or condition(), max(0.0, wait_s * self.pace))
            return condition()

    def close(self) -> None:
        """Nobody waits for anything any more."""
        with self.changed:
            self.is_closed = True
            self._tell()

    def tell(self) -> None:
        """Something else has changed."""
        with self.changed:
            self._tell()

    def _tell(self) -> None:
        self.version += 1
        self.changed.notify_all()

    def _in_call(self, e164: str, state: CallState | None) -> "_InCall":
        return _InCall(self, self.of(e164), state)


class _InCall:
    """A call that is changed: everybody sees it afterwards."""

    def __init__(self, phones: Phones, phone: Phone, state: CallState | None) -> None:
        self._phones, self._phone, self._state = phones, phone, state

    def __enter__(self) -> Call:
        self._phones.changed.acquire()
        call = self._phone.call
        if call is None or call.is_over or self._state not in {None, call.state}:
            self._phones.changed.release()
            raise WishError("there is no such call")
        return call

    def __exit__(self, *_: object) -> None:
        self._phones.tell()
        self._phones.changed.release()


class HungUpError(Exception):
    """Whoever was called has hung up."""


class End(StrEnum):
    """How a call ended."""

    COMPLETED = "completed"
    MACHINE = "machine"
    """Answered by a machine."""
    OFF = "off"
    UNREACHABLE = "unreachable"
    BUSY = "busy"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    """What was to be said could not be had."""


class Line:
    """A call, as the network has it: what it says is heard on a phone, and keys come back.

    Attributes
    ----------
    lasted_s : float
        How long it was talked, in seconds of a call.
    heard_all : bool
        Whoever answered has not hung up before the end.
    """

    OFF_S = 15.0
    """So long a phone that is off is looked for."""

    def __init__(self, phones: Phones, e164: str, id_: str, other: str) -> None:
        self._phones = phones
        self._phone = phones.of(e164)
        self._call = Call(id=id_, other=other)
        self.lasted_s = 0.0
        self.heard_all = True

    def ring(self, ring_s: float, talk: Callable[["Line"], None], answered: Callable[[], None] = lambda: None) -> End:
        """Ring, and once somebody answers, say `talk`; how it ended."""
        phones, phone, call = self._phones, self._phone, self._call
        if not phones.wait_for(lambda: phone.condition not in {Condition.OFF, Condition.UNREACHABLE}, self.OFF_S):
            phones.note(phone, What.CALL, call.other, "")
            return End.OFF if phone.condition is Condition.OFF else End.UNREACHABLE
        with phones.changed:
            if phone.call is not None:
                return End.BUSY
            phone.call = call
            habit = phones.habit_of(phone)
            if phone.condition is Condition.MAILBOX or (habit and habit.answers):
                call.state = CallState.TALKING
            phones.tell()
        try:
            return self._rung(ring_s, talk, answered)
        finally:
            with phones.changed:
                phone.call = None
                phones.note(phone, What.CALL, call.other, "\n".join(dict.fromkeys(call.said)))

    def _rung(self, ring_s: float, talk: Callable[["Line"], None], answered: Callable[[], None]) -> End:
        call = self._call
        self._phones.wait_for(lambda: call.is_over or call.state is CallState.TALKING, ring_s)
        if call.is_over:
            return End.DECLINED
        if call.state is CallState.RINGING:
            return End.NO_ANSWER
        answered()
        try:
            talk(self)
        except HungUpError:
            self.heard_all = False
        return End.MACHINE if self._phone.condition is Condition.MAILBOX else End.COMPLETED

    def say(self, text: str) -> bool:
        """Read something out, until it is over or a key is pressed; whether one was.

        Raises
        ------
        HungUpError
            Nobody listens any more.
        """
        with self._phones.changed:
            self._call.said.append(text)
            self._phones.tell()
        return self._wait(spoken_s(text))

    def pause(self, wait_s: float) -> None:
        """Say nothing.

        Raises
        ------
        HungUpError
            Nobody listens any more.
        """
        self._wait(wait_s, for_key=False)

    def keys(self, wait_s: float, most: int, finish: str) -> str:
        """Wait for keys: for as many, or until `finish`, or for so long after the last one.

        Raises
        ------
        HungUpError
            Nobody listens any more.
        """
        if habit := self._phones.habit_of(self._phone):
            return habit.keys[:most]
        got = ""
        while len(got) < most:
            if not self._wait(wait_s):
                break
            with self._phones.changed:
                key, self._call.keys = self._call.keys[:1], self._call.keys[1:]
            if key == finish:
                break
            got += key
        return got

    def _wait(self, wait_s: float, *, for_key: bool = True) -> bool:
        call, begin_s = self._call, time.monotonic()
        came = self._phones.wait_for(lambda: call.is_over or (for_key and bool(call.keys)), wait_s)
        self.lasted_s += (time.monotonic() - begin_s) / self._phones.pace if came and self._phones.pace else 0.0 if came else wait_s
        if call.is_over:
            raise HungUpError
        return came


def spoken_s(text: str) -> float:
    """How long it takes to read a text out, s."""
    letters = sum(char.isascii() for char in text)
    return (letters / LETTERS_PER_SYLLABLE + len(text) - letters) / SYLLABLES_PER_S
