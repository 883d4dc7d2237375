"""How a device is let in: credentials that are shown once, as words and as a picture that it can scan."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import segno

from devices import broker
from devices.model import SENSORS_OF, CommunityId, Device, DeviceId
from devices.topics import ROOT
from web.api.model import Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """Lets devices in at the embedded server.

    Attributes
    ----------
    folder : Path
        What the server keeps; it takes over by itself what changes there.
    host : str
        By which name devices reach it.
    """

    folder: Path
    host: str
    port: int

    def known(self) -> frozenset[str]:
        """Users that have credentials: `<community>.<device>`."""
        return frozenset(broker.credentials_of(self.folder).devices)

    def let_in(self, community_id: CommunityId, device: Device) -> Credentials:
        """New credentials of a device, in the place of any earlier ones. Only a hash of the password is kept."""
        user, token = broker.new_device(self.folder, community_id, device.id)
        base = f"{ROOT}/{community_id}/{device.id}"
        address = f"mqtt://{quote(user)}:{quote(token)}@{self.host}:{self.port}/{base}/"
        return Credentials(
            host=self.host,
            port=self.port,
            user=user,
            password=token,
            topics=[f"{base}/{kind}" for kind in sorted(SENSORS_OF[device.kind])],
            address=address,
            qr=segno.make(address, micro=False, error="m").svg_inline(omitsize=True, border=2, dark="#1c2530", light="#ffffff"),
        )

    def shut_out(self, community_id: CommunityId, device_id: DeviceId) -> bool:
        """End a device's credentials; whether it had any."""
        return broker.end_device(self.folder, community_id, device_id)
