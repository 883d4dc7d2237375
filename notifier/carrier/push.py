"""A push service and the browsers behind it: it verifies VAPID, and the browsers decrypt."""

import base64
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

import http_ece  # type: ignore[import-untyped]
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifier.carrier.provider import FakeProvider, Refuse, Reply, Request

_DAY_S = 24 * 3600
_TOPIC_MOST = 32


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@dataclass(kw_only=True)
class Browser:
    """A subscription and what it was sent. `is_gone`: the person has ended it."""

    endpoint: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    got: list[dict[str, Any]] = field(default_factory=list)
    is_gone: bool = False

    @property
    def subscription(self) -> str:
        """What a page gets from it."""
        p256dh = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return json.dumps(
            {"endpoint": self.endpoint, "expirationTime": None, "keys": {"p256dh": _base64url(p256dh), "auth": _base64url(self.auth)}}
        )

    @property
    def shown(self) -> dict[str, str]:
        """What is on the screen: one text for each tag."""
        return {one["tag"]: one["text"] for one in self.got}


class FakePush(FakeProvider):
    """A push service, on loopback.

    Attributes
    ----------
    public_key
        Of whom its subscriptions are for; None takes anybody's.
    """

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.browsers: dict[str, Browser] = {}
        self.public_key: str | None = None
        self.subjects: list[str] = []

    def browser(self) -> Browser:
        """A new one that has subscribed."""
        path = f"/push/a-capability-{len(self.browsers)}"
        self.browsers[path] = Browser(endpoint=self.url + path)
        return self.browsers[path]

    def unwelcome(self, request: Request) -> Reply | None:
        """Whoever does not sign as VAPID wants it, and messages for nobody."""
        try:
            scheme, _, rest = request.headers["authorization"].partition(" ")
            given = dict(part.strip().split("=", 1) for part in rest.split(","))
            point = base64.urlsafe_b64decode(given["k"] + "=" * (-len(given["k"]) % 4))
            public_key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            claims = jwt.decode(given["t"], public_key, algorithms=["ES256"], audience=self.url)
        except (KeyError, ValueError, jwt.InvalidTokenError):
            return Reply(status=401)
        if scheme != "vapid" or claims["exp"] > time.time() + _DAY_S:
            return Reply(status=401)
        if self.public_key not in {None, given["k"]}:
            return Reply(status=403)
        self.subjects.append(claims["sub"])
        topic = request.headers.get("topic", "")
        if (
            not request.headers.get("ttl", "").isdecimal()
            or len(topic) > _TOPIC_MOST
            or not topic.replace("-", "").replace("_", "").isalnum()
        ):
            return Reply(status=400)
        browser = self.browsers.get(request.target)
        return Reply(status=404) if browser is None else Reply(status=410) if browser.is_gone else None

    def is_question(self, request: Request) -> bool:  # noqa: ARG002  nobody asks it
        """Nobody asks it."""
        return False

    def accept(self, request: Request) -> Reply:
        """Decrypt it, as its browser would."""
        browser = self.browsers[request.target]
        if request.headers["content-encoding"] != "aes128gcm":
            return Reply(status=415)
        clear = http_ece.decrypt(request.body, private_key=browser.key, auth_secret=browser.auth, version="aes128gcm")
        browser.got.append(json.loads(clear))
        return Reply(status=201)

    def refusal(self, refused: Refuse) -> Reply:
        """As push services refuse."""
        return Reply(status=refused.status)
