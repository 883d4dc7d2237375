"""The gateway without a phone network: a file in which each line is a message that somebody got.

Each message is there once, whoever writes it how often: writers take turns by a lock on the file, and whoever has it knows every line.
A line counts when its end is written; what a killed writer left without one is taken away by the next.
"""

import errno
import fcntl
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import msgspec

from incidents.directory import Channel
from notifier.gateways.model import EVERYBODY, Answer, Capabilities, GatewayAwayError, InDoubt, Outgoing, Status
from store.capture import iso
from store.outbox import DeliveryOutcome

FILE = "phones.jsonl"
"""In the state folder."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A message that somebody got: one line of the file.

    Attributes
    ----------
    id : str
        Of the notification; known once in its community.
    to, name, phone
        The person's id and name, and their number if they have one.
    at : str
        ISO 8601, UTC.
    """

    id: str
    community: str
    to: str
    name: str
    phone: str | None
    channel: str
    text: str
    at: str


_Key = tuple[str, str, str]


class ConsoleGateway:
    """Appends to a file, and says `delivered` when it is on the disk.

    Parameters
    ----------
    path
        The file; made when it is missing, its folder must be there.
    """

    name = "console"
    capabilities = Capabilities(
        channels=frozenset({Channel.SMS, Channel.VOICE, Channel.PUSH}),
        reply=EVERYBODY,  # on the page that shows the phones
        keys=EVERYBODY,
        in_doubt=InDoubt.LOOK_UP,
        receipts=True,
    )
    channels = capabilities.channels
    outcomes: Mapping[str, DeliveryOutcome] = MappingProxyType({})
    settles_ns = 0

    def __init__(self, path: Path) -> None:
        self._path = path
        self._turn = threading.Lock()
        self._read_bytes = 0
        self._file: tuple[int, int] | None = None
        self._known: set[_Key] = set()

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:
        """Write it, unless it is there."""
        person = outgoing.person
        line = Line(
            id=outgoing.notification_id,
            community=outgoing.community_id,
            to=person.id,
            name=person.name,
            phone=person.phone_e164,
            channel=outgoing.channel,
            text=outgoing.text,
            at=iso(now_ns),
        )
        try:
            with self._opened() as file:
                if _key(line) not in self._known:
                    self._append(file, msgspec.json.encode(line) + b"\n")
        except OSError as error:
            return Answer(outcome=DeliveryOutcome.RETRY, code=errno.errorcode.get(error.errno or 0, "io"))
        return Answer(outcome=DeliveryOutcome.DELIVERED)

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:
        """Whether the file has it.

        Raises
        ------
        GatewayAwayError
            The file cannot be read.
        """
        try:
            with self._opened():
                key = (str(outgoing.community_id), outgoing.notification_id, str(outgoing.channel))
                return (Answer(outcome=DeliveryOutcome.DELIVERED),) if key in self._known else ()
        except OSError as error:
            raise GatewayAwayError(f"{self._path.name} cannot be read: {error.strerror}") from error

    def status(self, provider_id: str) -> Status:
        """Nothing is accepted here that is not delivered at once."""
        raise GatewayAwayError(f"{provider_id} is no message of the console's")

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The file, with nobody else writing, no torn line at its end, and every line of it known."""
        with self._turn:
            file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._learn(file)
                yield file
            finally:
                os.close(file)  # which also ends the lock

    def _learn(self, file: int) -> None:
        """Read what was written since the last time; of another file than then, all of it."""
        found = os.fstat(file)
        if self._file != (found.st_dev, found.st_ino) or found.st_size < self._read_bytes:
            self._file, self._read_bytes, self._known = (found.st_dev, found.st_ino), 0, set()
            _sync_folder(self._path.parent)
        fresh = _read(file, self._read_bytes, found.st_size)
        whole = fresh.rfind(b"\n") + 1
        if whole < len(fresh):
            os.ftruncate(file, self._read_bytes + whole)
        for line in fresh[:whole].splitlines():
            try:
                self._known.add(_key(msgspec.json.decode(line, type=Line)))
            except msgspec.DecodeError:
                continue  # not one of ours: whoever edits the file by hand may
        self._read_bytes += whole

    def _append(self, file: int, line: bytes) -> None:
        left = memoryview(line)
        try:
            while left:
                left = left[os.write(file, left) :]
            os.fsync(file)
        except OSError:
            os.ftruncate(file, self._read_bytes)  # it was never there
            raise


def read(path: Path) -> list[Line]:
    """Every message in the file, oldest first; none while there is no file. A line that is being written does not count."""
    try:
        whole = path.read_bytes()
    except FileNotFoundError:
        return []
    lines = []
    for line in whole[: whole.rfind(b"\n") + 1].splitlines():
        try:
            lines.append(msgspec.json.decode(line, type=Line))
        except msgspec.DecodeError:
            continue
    return lines


def _key(line: Line) -> _Key:
    return (line.community, line.id, line.channel)


def _read(file: int, start: int, end: int) -> bytes:
    parts = []
    while start < end and (part := os.pread(file, end - start, start)):
        parts.append(part)
        start += len(part)
    return b"".join(parts)


def _sync_folder(folder: Path) -> None:
    """A new file's name must be on the disk as well."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
