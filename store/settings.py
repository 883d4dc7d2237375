"""`anju.toml`: where everything is. Secrets stand in the environment or in files of their own, never in it."""

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from platformdirs import user_state_path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from geofence.datum import Datum
from incidents.directory import Channel, Language, Severity
from store.document import spelled
from store.model import InputError
from store.schema import mistakes

GatewayName = Literal["console", "twilio", "twilio-voice", "aliyun-sms", "aliyun-voice", "tencent-sms", "webpush", "webhook", "apprise"]


def _broker_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
        raise ValueError(f"{url!r} is no broker, wanted mqtt://host:port or mqtts://host:port")
    if parts.username or parts.password:
        raise ValueError("holds a name or a password, wanted them as username and password_file, or password_env")
    return url


def _nats_url(url: str) -> str:
    if urlsplit(url).scheme not in {"nats", "tls"}:
        raise ValueError(f"{url!r} is no server, wanted nats://host:port")
    return url


def _public_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
        raise ValueError(f"{url!r} is no address of our own, wanted https://host without a path")
    return url.rstrip("/")


def _tiles_url(url: str) -> str:
    parts = urlsplit(url)
    where, is_safe = parts.netloc, parts.scheme == "https" or parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if not re.fullmatch(r"[A-Za-z0-9.\-:\[\]]+", where) or not is_safe or parts.scheme not in {"http", "https"}:
        raise ValueError(f"{url!r} is no address of tiles, wanted https://host/…")
    if missing := [one for one in ("{z}", "{x}", "{y}") if one not in url]:
        raise ValueError(f"{url!r} has no {' and no '.join(missing)}")
    return url


def _carrier(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in {"127.0.0.1", "::1", "localhost"} or parts.path.strip("/"):
        raise ValueError(f"{url!r} is no fake carrier, wanted what `anju fake-carrier` prints, such as http://127.0.0.1:8480")
    return url.rstrip("/")


def _several(value: object) -> object:
    """One name is a list of one."""
    return (value,) if isinstance(value, str) else value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerSettings(_Section):
    """A broker that people already have.

    Attributes
    ----------
    name : str
        Ours for it.
    topics : tuple of str
        MQTT filters.
    password_file, password_env : str, optional
        Where the password is.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    url: Annotated[str, AfterValidator(_broker_url)]
    topics: Annotated[tuple[str, ...], Field(min_length=1)] = ("anju/#", "zigbee2mqtt/#")
    username: str = ""
    password_file: Path | None = None
    password_env: str | None = None

    def password(self) -> str:
        """The password; empty where none is named.

        Raises
        ------
        InputError
            It is not where it should be.
        """
        if self.password_file is not None:
            try:
                return self.password_file.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise InputError(self.password_file, "", f"cannot be read: {error.strerror or error}") from None
        if self.password_env is not None:
            if self.password_env not in os.environ:
                raise InputError("anju.toml", f"broker {self.name}", f"the environment has no {self.password_env}")
            return os.environ[self.password_env]
        return ""


class RouteSettings(_Section):
    """What is to go by which gateway; of several that fit the earlier one comes first.

    Attributes
    ----------
    prefix : str
        Numbers that begin so, such as `+86`.
    """

    gateway: GatewayName
    channels: tuple[Annotated[Channel, Field(strict=False)], ...] = ()
    prefix: Annotated[str, Field(pattern=r"^(\+\d{1,15})?$")] = ""
    languages: tuple[Annotated[Language, Field(strict=False)], ...] = ()
    severities: tuple[Annotated[Severity, Field(strict=False)], ...] = ()


class PriceSettings(_Section):
    """What a gateway takes for one SMS segment or one call, in the operator's currency; of several the longest prefix counts."""

    gateway: GatewayName
    prefix: Annotated[str, Field(pattern=r"^(\+\d{1,15})?$")] = ""
    each: Annotated[float, Field(gt=0)]


class TilesSettings(_Section):
    """Pictures of a map from elsewhere, which lie below a community's own outlines; browsers fetch them from there.

    Attributes
    ----------
    url : str
        With {z}, {x} and {y}, as of any XYZ tile server.
    datum : Datum
        What the pictures are drawn in: of Chinese maps gcj02.
    attribution : str
        Whose they are, as they want it said on the map.
    max_zoom : int
        Closest pictures that there are; the map goes closer, and they grow.
    """

    url: Annotated[str, AfterValidator(_tiles_url)]
    datum: Annotated[Datum, Field(strict=False)]
    attribution: Annotated[str, Field(min_length=1)]
    max_zoom: Annotated[int, Field(ge=1, le=24)] = 18

    @property
    def origin(self) -> str:
        """Where they come from: scheme, host and port."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


class Settings(_Section):
    """Everything that one installation may choose.

    Attributes
    ----------
    state : Path
        Folder of all that is kept.
    database_url : str
        `sqlite:///FILE` or `postgresql://…`; a file in the state folder by default.
    nats_url : str
        A server that keeps the log; empty for the embedded one. Its user and password are in ANJU_NATS_USER and ANJU_NATS_PASSWORD.
    nats_port, mqtt_port : int
        Of the embedded server, on loopback.
    http : str
        Where the pages are: `host:port`.
    app_url : str
        Where browsers reach the pages, if not on this machine: `https://anju.example.cn`, of what stands before us and speaks https.
    visitors : bool
        Whoever opens the pages may be anybody: of a demonstration, with a fake carrier, where there is nobody real.
    public_url : str
        Where people and providers reach us from outside; empty: nowhere.
    public : str
        Where gateways and people who answer reach us: `host:port`, of a listener that has nothing else; empty: there is none.
    gateway : tuple of str
        By which texts leave: one name or several. Of two that serve a channel the earlier one comes first.
    carrier : str
        A fake carrier on this machine, whose phones the pages let visitors use; empty: there is none.
    tiles : TilesSettings, optional
        Pictures below the map; without them it shows what the community itself has drawn, and asks nobody.
    log_gib, log_days : float
        What the log of readings keeps.
    broker : tuple of BrokerSettings
        Brokers besides the embedded one.
    route : tuple of RouteSettings
        What is to go by which gateway, where it is not the first that serves the channel.
    price : tuple of PriceSettings
        What messages and calls cost.
    quota : dict
        By community: what its messages may cost in a month. What is over it and not urgent goes by nothing that costs.
    """

    state: Path = user_state_path("anju")
    database_url: str = ""
    nats_url: Annotated[str, AfterValidator(lambda url: _nats_url(url) if url else "")] = ""
    nats_port: Annotated[int, Field(ge=1, le=65535)] = 14222
    mqtt_port: Annotated[int, Field(ge=1, le=65535)] = 11883
    http: Annotated[str, Field(pattern=r"^.+:\d{1,5}$")] = "127.0.0.1:8470"
    app_url: Annotated[str, AfterValidator(lambda url: _public_url(url) if url else "")] = ""
    visitors: bool = False
    public: Annotated[str, Field(pattern=r"^(.+:\d{1,5})?$")] = ""
    public_url: Annotated[str, AfterValidator(lambda url: _public_url(url) if url else "")] = ""
    gateway: Annotated[tuple[GatewayName, ...], BeforeValidator(_several), Field(min_length=1)] = ("console",)
    carrier: Annotated[str, AfterValidator(lambda url: _carrier(url) if url else "")] = ""
    tiles: TilesSettings | None = None
    log_gib: Annotated[float, Field(gt=0)] = 8.0
    log_days: Annotated[float, Field(gt=0)] = 7.0
    broker: tuple[BrokerSettings, ...] = ()
    route: tuple[RouteSettings, ...] = ()
    price: tuple[PriceSettings, ...] = ()
    quota: dict[str, Annotated[float, Field(gt=0)]] = {}

    @model_validator(mode="after")
    def _visitors_of_a_demonstration(self) -> Self:
        if self.visitors and not self.carrier:
            raise ValueError("visitors: true is for a demonstration, wanted a fake carrier beside it")
        return self

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.state / 'anju.db'}"

    @property
    def nats_folder(self) -> Path:
        """What the embedded server keeps."""
        return self.state / "nats"

    @property
    def log_bytes(self) -> int:
        """Most that the log keeps."""
        return round(self.log_gib * (1 << 30))

    @property
    def log_s(self) -> float:
        """How long the log keeps it."""
        return self.log_days * 24 * 3600

    @property
    def http_host(self) -> str:
        """Where the pages listen."""
        return self.http.rpartition(":")[0].strip("[]")

    @property
    def public_host(self) -> str:
        """Where the public listener is."""
        return self.public.rpartition(":")[0].strip("[]")

    @property
    def public_port(self) -> int:
        """Its port."""
        return int(self.public.rpartition(":")[2])

    @property
    def http_port(self) -> int:
        """The port of the pages."""
        return int(self.http.rpartition(":")[2])


def write(settings: Settings) -> Path:
    """Settings as a file in their own state folder, for the parts to read; what they need to know of a service of one's own."""
    file = settings.state / "anju.toml"
    said: dict[str, object] = {
        "state": str(settings.state),
        "http": settings.http,
        "visitors": settings.visitors,
        "public": settings.public,
        "public_url": settings.public_url,
        "carrier": settings.carrier,
        "gateway": settings.gateway,
        "nats_port": settings.nats_port,
        "mqtt_port": settings.mqtt_port,
    }
    # A JSON string is a TOML string, and so are a number and a list of strings.
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in said.items()), encoding="utf-8")
    return file


def load(config: Path | None, state: Path | None) -> Settings:
    """Settings of a file, or the defaults; a state folder given on the command line goes before.

    Raises
    ------
    InputError
        The file cannot be read, or a key in it is wrong.
    """
    said: dict[str, object] = {}
    if config is not None:
        try:
            said = tomllib.loads(config.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(config, "", f"cannot be read: {error.strerror or error}") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(config, "", f"is not TOML: {error}") from None
    if state is not None:
        said["state"] = state
    try:
        settings = Settings.model_validate(said)
    except ValidationError as error:
        path, what = mistakes(error)[0]
        raise InputError(config or "the command line", spelled(path), what) from None
    # Parts are started in other folders and by other processes: a path means one place.
    return settings.model_copy(update={"state": settings.state.expanduser().absolute()})
