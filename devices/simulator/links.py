"""How simulated devices reach a broker, each by its own link or all by one.

Errors
------
SimulatorError
├── WrongUrlError
└── RefusedError
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

from devices.model import AnjuError

_PORTS = {"mqtt": 1883, "mqtts": 8883}


class SimulatorError(AnjuError):
    """Simulated devices cannot speak; the text is one line for the operator."""


class WrongUrlError(SimulatorError):
    """The address of the broker is none."""


class RefusedError(SimulatorError):
    """The broker does not accept the credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One connection to a broker: a device's own, or a gateway's that speaks for several."""

    host: str
    port: int
    tls: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    client_id: str = ""

    @classmethod
    def parse(cls, url: str, *, username: str = "", password: str = "") -> Self:
        """A link of `mqtt://user:password@host:port`, or `mqtts://` with TLS; what is given apart goes before what stands in it.

        Raises
        ------
        WrongUrlError
            It is no such address.
        """
        wanted = "wanted mqtt://host:port or mqtts://host:port, with user:password@ before the host if the broker asks for them"
        try:
            where = urlsplit(url)
            port = where.port
        except ValueError:
            raise WrongUrlError(f"the broker's address cannot be read, {wanted}") from None
        if where.scheme not in _PORTS or not where.hostname:
            raise WrongUrlError(f"the broker's address is {where.scheme}://{where.hostname or ''}, {wanted}")
        return cls(
            host=where.hostname,
            port=port or _PORTS[where.scheme],
            tls=where.scheme == "mqtts",
            username=username or unquote(where.username or ""),
            password=password or unquote(where.password or ""),
            client_id=username.replace(".", "_"),  # NATS takes no dot here
        )


def per_device(url: str, community: str, tokens: Mapping[str, str]) -> dict[str, Link]:
    """Each device's own link, with the user `<community>.<device>` and its token."""
    return {device: Link.parse(url, username=f"{community}.{device}", password=token) for device, token in tokens.items()}
