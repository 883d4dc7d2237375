"""The parts that are reached from outside: the pages, and what gateways and people say."""

import asyncio
import functools
from urllib.parse import urlsplit

import click

from commands.installation import database_of, open_log
from commands.options import with_settings
from commands.ways import gateways_of, routes_of, spending_of
from devices import process
from incidents.directory import Channel
from notifier.carrier.door import Door
from notifier.chain_checks import ChainChecks
from notifier.gateways.webpush import WebPushGateway
from notifier.routing import Routes
from notifier.verifying import send_sign_in_code, send_text
from store.links import installation_key
from store.model import InputError
from store.settings import Settings
from web.onboarding import Onboarding
from web.public import create_app as create_public
from web.public import serve as serve_public
from web.service import create_app as create_pages
from web.service import listen, serve_on
from web.site import FrontDoor


@click.command()
@with_settings
def public(settings: Settings) -> None:
    """Hear what gateways and people say from outside (`public` in anju.toml)."""
    if not settings.public or not settings.public_url:
        raise InputError("settings", "public", "is not set, wanted host:port, and public_url as the world reaches it")
    gateways = gateways_of(settings)
    heard = create_public(database_of(settings), {one.name: one for one in gateways}, settings.public_url)
    process.run(lambda stop: serve_public(heard, settings.public_host, settings.public_port, stop))


@click.command()
@with_settings
def web(settings: Settings) -> None:
    """Show the pages."""
    database, gateways = database_of(settings), gateways_of(settings)
    routes = Routes(gateways, routes_of(settings))
    is_https = settings.app_url.startswith("https://")
    door = FrontDoor(
        key=installation_key(settings.state),
        send_code=lambda to, code: send_sign_in_code(database, routes, to, code),
        send_text=lambda at, text: send_text(database, routes, at, text),
        mails=any(Channel.EMAIL in one.channels for one in gateways),
        as_anybody=settings.visitors,
        is_https=is_https,
        chain_checks=ChainChecks(database, routes),
        push_key=next((one.public_key for one in gateways if isinstance(one, WebPushGateway)), None),
    )
    carrier = Door(settings.carrier) if settings.carrier else None
    pages = create_pages(
        database,
        door,
        carrier=carrier,
        host=urlsplit(settings.app_url).hostname or "",
        open_log=functools.partial(open_log, settings),
        spending=spending_of(settings),
        onboarding=None if settings.nats_url else _onboarding(settings),
        routes=routes,
        tiles=settings.tiles,
    )

    async def serve_pages(stop: asyncio.Event) -> None:
        with listen(settings.http_host, settings.http_port, is_https=is_https) as listening:
            await serve_on(pages, listening, stop)

    process.run(serve_pages)


def _onboarding(settings: Settings) -> Onboarding:
    """Of the embedded server: devices know it by the same name as browsers know the pages."""
    host = urlsplit(settings.app_url).hostname or settings.http_host
    return Onboarding(folder=settings.nats_folder, host=host, port=settings.mqtt_port)
