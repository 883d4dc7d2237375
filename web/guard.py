"""Which requests are taken at all: under a name of ours, and forms of our own pages.

A name that another site points to this machine is refused (DNS rebinding), and so is a form that another site sends.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_READING = frozenset({"GET", "HEAD"})
LARGEST_FORM = 32 * 1024 * 1024
"""Bytes: more than a photo has, so that one which is too large for us is answered by a page. What is larger is not read."""
LARGEST_BEFORE_SIGN_IN = 64 * 1024
"""Bytes, where nobody has signed in yet."""
_BEFORE_SIGN_IN = ("/sign-in", "/sign-out", "/welcome/")

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # not no-referrer: browsers then send forms with the origin "null"
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Refuses what does not come from our own pages, and says on every answer what a browser may do with it.

    Parameters
    ----------
    host
        By which name browsers reach us, besides those of this machine.
    """

    def __init__(self, app: ASGIApp, host: str = "") -> None:
        self._app = app
        self._hosts = LOOPBACK | {host} if host else LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        is_static = str(scope["path"]).startswith("/static/")

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-cache" if is_static else "no-store")
            await send(message)

        refusal = _refusal(Headers(scope=scope), str(scope["method"]), self._hosts, _most(str(scope["path"])))
        await (refusal or self._app)(scope, receive, send_guarded)


def _refusal(headers: Headers, method: str, hosts: frozenset[str], most: int) -> PlainTextResponse | None:
    host = headers.get("host", "")
    if not host or _name(host) not in hosts:
        return PlainTextResponse("Anju does not answer under this name: use its app_url, or http://127.0.0.1 with its port.\n", 421)
    if method in _READING:
        return None
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    is_ours = site in {"none", "same-origin"} if origin is None else _place(origin) == host.lower()
    if not is_ours:
        return PlainTextResponse("This form was sent by another site.\n", 403)
    length = headers.get("content-length", "")
    if not length.isdecimal():
        return PlainTextResponse("A form says how long it is.\n", 411)
    return PlainTextResponse("This form is too large.\n", 413) if int(length) > most else None


def _most(path: str) -> int:
    return LARGEST_BEFORE_SIGN_IN if path.startswith(_BEFORE_SIGN_IN) else LARGEST_FORM


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""
