"""Anju's composition root and command line: the whole service on one page.

    devices ─▶ broker ─▶ ingest ─▶ log ─▶ worker: Decoder ─▶ Pipeline of LANES ─▶ incidents ─▶ outbox ─▶ dispatch ─▶ gateway
                                                                                    └──────▶ web

Exit status: 0 done, 2 the input is wrong (one line on standard error), 1 anything else.
"""

import asyncio
import functools
import json
import os
import secrets
import shlex
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import click
import structlog

from devices import broker, process
from devices.decode import Decoder
from devices.ingest import Ingest
from devices.log import Limits, Log, LogError
from devices.model import NS_PER_S, CommunityId, HomeId, PersonId, Placement
from devices.mqtt import BrokerLink
from devices.sensors.acceleration import ACCELERATION
from devices.sensors.button import BUTTON
from devices.sensors.contact import CONTACT
from devices.sensors.keypad import KEYPAD, is_code
from devices.sensors.meter import METER
from devices.sensors.motion import MOTION
from devices.sensors.position import POSITION
from devices.sensors.status import STATUS
from devices.sensors.targets import TARGETS
from devices.simulator import demo as demo_estate
from devices.simulator import estate
from devices.simulator import recordings as rehearsal
from devices.simulator.links import Link, SimulatorError, per_device
from devices.simulator.mqtt import Counters, publish
from devices.supervisor import Supervisor
from geofence.datum import Datum
from incidents.audience import tellable
from incidents.directory import Channel, Severity
from notifier.carrier.carrier import Carrier
from notifier.carrier.door import Door
from notifier.chain_checks import ChainChecks
from notifier.dispatch import Dispatcher
from notifier.dispatch import run as run_dispatcher
from notifier.gateways import setup
from notifier.gateways.model import Answer, Gateway, GatewayError
from notifier.gateways.wearable import WearableGateway
from notifier.gateways.webhook import WebhookSettings
from notifier.gateways.webpush import WebPushGateway, new_keys
from notifier.paging import Pager
from notifier.replay import Replay
from notifier.routing import Route, Routes
from notifier.spending import MICRO, Price, Spending, month_began_ns
from notifier.trying import method, told, trial, whom
from notifier.verifying import asked_for, send_sign_in_code, send_text
from rules.fall.evaluation import evaluate as evaluate_detections
from rules.fall.recordings import detect as detect_falls
from rules.fall.rule import Fall
from rules.fall.stillness import LongLie
from rules.faults.fault import Clock, LowBattery, Offline, Tamper
from rules.faults.plausible import Implausible
from rules.faults.stuck import Stuck
from rules.faults.wear import Wear
from rules.fences.areas import Area
from rules.fences.lines import Line
from rules.home import codes
from rules.home.contact import LeftOpen
from rules.home.doors import Doors
from rules.home.intrusion import Intrusion
from rules.home.keypad import Keypad
from rules.home.schedule import Schedule
from rules.home.water import Water
from rules.kinds import Mode
from rules.model import Lane
from rules.person.absence import NoReturn
from rules.person.daily import DailyWord
from rules.person.inactivity import Inactivity
from rules.person.leaving import EverybodyLeft
from rules.person.sos import Sos
from rules.person.wandering import Wandering
from rules.pipeline import Pipeline
from rules.premises import Premises
from store import (
    accounts,
    capture,
    community,
    contacts,
    document,
    drawings,
    importing,
    placing,
    recordings,
    spending,
    summary,
    verification,
)
from store.configuration import change_mode
from store.estates import Estates, community_of
from store.lateness import Lateness
from store.links import Links, installation_key
from store.model import InputError, StoreError
from store.outbox import DeliveryOutcome
from store.routing import Partitions
from store.session import Database
from store.settings import Settings
from store.settings import load as load_settings
from store.settings import write as write_settings
from store.worker import Worker
from web import terminal
from web.public import create_app as create_public
from web.public import serve as serve_public
from web.service import create_app as create_pages
from web.service import listen, serve_on
from web.site import FrontDoor


def pipeline(premises: Premises) -> Pipeline:
    """Every rule, in the lanes of the readings it looks at; a rule that needs two kinds stands in two lanes."""
    line, long_lie, intrusion = Line(premises), LongLie(premises), Intrusion(premises)
    quiet, no_return, daily = Inactivity(premises), NoReturn(premises), DailyWord(premises)
    stuck, implausible, wear = Stuck(premises), Implausible(premises), Wear(premises)
    return Pipeline(
        Offline(premises),
        (
            Lane(
                KEYPAD, Keypad(premises), Schedule(premises)
            ),  # first: what else is judged at that time is judged by the mode that they set
            Lane(BUTTON, Sos(premises), long_lie, quiet, daily, no_return),
            Lane(ACCELERATION, Fall(premises), long_lie, quiet, daily, stuck, implausible, wear),
            Lane(POSITION, Area(premises), Wandering(premises), EverybodyLeft(premises), line, quiet, daily, implausible),
            Lane(TARGETS, line, quiet, daily, no_return, stuck),
            Lane(CONTACT, line, intrusion, LeftOpen(premises), Doors(premises), quiet, daily, no_return, implausible),
            Lane(MOTION, line, intrusion, quiet, daily, no_return, stuck),
            Lane(METER, Water(premises), quiet, daily, no_return, stuck, implausible),
            Lane(STATUS, Tamper(premises), LowBattery(premises), quiet, no_return, wear),
        ),
        faults=(Clock(premises),),
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="anju")
def cli() -> None:
    """Anju (安居): alerts that reach a person and end with one."""


input_file = click.Path(path_type=Path, dir_okay=False)
placement_option = click.option(
    "--placement",
    type=click.Choice([placement.value for placement in Placement]),
    callback=lambda _context, _option, value: Placement(value),
    default=Placement.UNKNOWN.value,
    show_default=True,
    help="Where the wearable is worn.",
)


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The options of whatever works on an installation, which is called with its settings."""

    @click.option("--config", metavar="anju.toml", type=input_file, help="Settings; none are needed.")
    @click.option("--state", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), help="Folder of all that is kept.")
    @functools.wraps(command)
    def with_settings(config: Path | None, state: Path | None, **others: Any) -> None:  # noqa: ANN401  the command's own options
        process.log_lines(command.__name__)
        command(load_settings(config, state), **others)

    return with_settings


@cli.command()
@_with_settings
def serve(settings: Settings) -> None:
    """Run the whole service on this machine."""
    stop = process.until_told()
    _database(settings).close()
    given = [f"--{name}={value}" for name in ("config", "state") if (value := click.get_current_context().params[name])]
    wanted = ("ingest", "worker", "dispatch", "web", *(("public",) if settings.public else ()))
    parts = {part: [sys.executable, __file__, part, *given] for part in wanted}
    embedded = None if settings.nats_url else _embedded(settings)
    if embedded is None:
        Supervisor(parts).run(stop)
        return
    click.echo(f"http://{settings.http}", err=True)
    try:
        embedded.start()
        Supervisor(parts, embedded.keep).run(stop)
    finally:
        embedded.stop()


@cli.command()
@_with_settings
def ingest(settings: Settings) -> None:
    """Take readings from every broker into the log."""
    partitions, links = Partitions(_database(settings)), _brokers(settings)
    process.run(lambda stop: _with_log(settings, lambda log: Ingest(log, links, partitions).run(stop)))


@cli.command()
@_with_settings
def worker(settings: Settings) -> None:
    """Judge what is in the log."""
    database, lateness = _database(settings), Lateness()
    try:
        process.run(lambda stop: _with_log(settings, lambda log: Worker(database, log, pipeline, committed=lateness.add).run(stop)))
    finally:
        median_ms, worst_ms = lateness.quantile_ms(0.5), lateness.quantile_ms(0.99)
        structlog.get_logger().info("worker.ended", judged=lateness.count, median_ms=round(median_ms, 1), p99_ms=round(worst_ms, 1))


@cli.command()
@_with_settings
def dispatch(settings: Settings) -> None:
    """Tell people, and go on until somebody has it."""
    database, stop = _database(settings), process.until_told()
    chosen = _gateways(settings)
    gateways = [*chosen, WearableGateway(_brokers(settings))]
    with process.alone(settings.state / "dispatch.lock", stop):
        worker = f"dispatch@{socket.gethostname()}"
        links = Links.of(settings.public_url, settings.state)
        pager = Pager.from_environment(os.environ, database, time.time_ns)
        dispatcher = Dispatcher(
            database, gateways, worker=worker, routes=_routes(settings), ways_back=links, spending=_spending(settings), pager=pager
        )
        run_dispatcher(dispatcher, stop)


def _gateways(settings: Settings) -> list[Gateway]:
    return setup.made(settings.gateway, os.environ, public_url=settings.public_url, state=settings.state)


def _routes(settings: Settings) -> list[Route]:
    return [
        Route(
            gateway=one.gateway,
            channels=frozenset(one.channels),
            prefix=one.prefix,
            languages=frozenset(one.languages),
            severities=frozenset(one.severities),
        )
        for one in settings.route
    ]


def _spending(settings: Settings) -> Spending:
    prices = [Price(gateway=one.gateway, prefix=one.prefix, each_micro=round(one.each * MICRO)) for one in settings.price]
    return Spending(prices=prices, quotas_micro={name: round(most * MICRO) for name, most in settings.quota.items()})


@cli.command()
@click.option("--month", metavar="YYYY-MM", help="By UTC; else this one.")
@_with_settings
def costs(settings: Settings, month: str | None) -> None:
    """Say what messages have cost, by community and gateway (`price` in anju.toml)."""
    try:
        within = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC) if month else datetime.now(tz=UTC)
    except ValueError:
        raise InputError("--month", str(month), "is no month, wanted such as 2026-03") from None
    utc = ZoneInfo("UTC")
    began_ns = month_began_ns(utc, round(within.timestamp()) * NS_PER_S)
    ended_ns = month_began_ns(utc, began_ns + 31 * 24 * 3600 * NS_PER_S)
    with _database(settings).read() as session:
        spent = spending.by_gateway(session, began_ns, ended_ns)
    for one in spent:
        click.echo(
            json.dumps(
                {
                    "community": one.community_id,
                    "gateway": one.gateway,
                    "messages": one.messages,
                    "segments": one.segments,
                    "cost": round(one.cost_micro / MICRO, 4),
                }
            )
        )


@cli.command()
@click.option("--to", metavar="PERSON", required=True, help="A person's id, or a number such as +8613800000001.")
@click.option("--community", metavar="ID", help="Whose person it is; needed where there are several.")
@click.option("--channel", type=click.Choice([one.value for one in Channel if one is not Channel.DEVICE]), help="Else the first they have.")
@click.option("--severity", type=click.Choice([one.value for one in Severity]), default="life", show_default=True, help="For the routes.")
@click.option("--text", help="Instead of a sentence that says it is a test.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent by what, and send nothing.")
@click.option("--test-mode", is_flag=True, help="By the provider's own test mode: checked there as a real one, and told to nobody.")
@_with_settings
def notify(settings: Settings, *, dry_run: bool, test_mode: bool, channel: str | None, severity: str, **whom: Any) -> None:  # noqa: ANN401
    """Try the way to somebody."""
    gateways = _gateways(settings)
    routes = Routes([*gateways, WearableGateway(_brokers(settings))], _routes(settings))
    with _database(settings).read() as session:
        tried = trial(session, whom.pop("to"), routes, channel=Channel(channel) if channel else None, severity=Severity(severity), **whom)
    for line in tried.lines():
        click.echo(line)
    if dry_run:
        return
    first = tried.gateways[0].name if tried.gateways else ""
    if test_mode and first not in setup.IN_TEST_MODE:
        raise InputError("--test-mode", first, f"has none, wanted {', '.join(setup.IN_TEST_MODE)}")
    _say_sent(*tried.send(time.time_ns(), setup.IN_TEST_MODE[first](os.environ) if test_mode else None))


def _say_sent(gateway: str, answer: Answer) -> None:
    click.echo(told(gateway, answer))
    if answer.outcome not in {DeliveryOutcome.ACCEPTED, DeliveryOutcome.DELIVERED}:
        raise SystemExit(1)


@cli.group()
def contact() -> None:
    """Telephones and addresses at which people are told: which work, and whose they are."""


_WHOM = (
    click.option("--to", metavar="PERSON", required=True, help="A person's id."),
    click.option("--community", metavar="ID", help="Whose person it is; needed where there are several."),
)
_AT = (
    *_WHOM,
    click.option("--channel", type=click.Choice([one.value for one in Channel if one is not Channel.DEVICE]), required=True),
)


def _at(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one contact method."""
    return functools.reduce(lambda made, option: option(made), reversed(_AT), command)


def _to(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command one person."""
    return functools.reduce(lambda made, option: option(made), reversed(_WHOM), command)


@contact.command(name="list")
@click.option("--community", metavar="ID", help="Of this one; else of all.")
@_with_settings
def list_contacts(settings: Settings, community: str | None) -> None:
    """Say what is known of every contact method."""
    with _database(settings).read() as session:
        estates = Estates()
        for community_id in estates.ids(session):
            people = estates.community(session, community_id).directory.people if community in {None, community_id} else {}
            for person in people.values():
                for channel in tellable(person):
                    state = contacts.state(session, community_id, person, channel) or "unverified"
                    click.echo(json.dumps({"community": community_id, "person": person.id, "channel": channel, "state": state}))


@contact.command()
@_at
@_with_settings
def verify(settings: Settings, to: str, community: str | None, channel: str) -> None:
    """Send a code there; `anju contact confirm` takes it."""
    routes = Routes(_gateways(settings), _routes(settings))
    with _database(settings).write() as session:
        at = method(session, to, community, Channel(channel))
        tried = asked_for(session, installation_key(settings.state), at, routes, time.time_ns())
    _say_sent(*tried.send(time.time_ns()))


@contact.command()
@_at
@click.argument("digits", metavar="CODE")
@_with_settings
def confirm(settings: Settings, to: str, community: str | None, channel: str, digits: str) -> None:
    """Take the code that was sent: what is broken or opted out works again."""
    with _database(settings).write() as session:
        at = method(session, to, community, Channel(channel))
        said = verification.confirm(session, installation_key(settings.state), at, digits, time.time_ns())
    click.echo(said)
    if said is not verification.Confirmed.VERIFIED:
        raise SystemExit(1)


@contact.command()
@_at
@_with_settings
def forget(settings: Settings, to: str, community: str | None, channel: str) -> None:
    """Forget what is known of it, because somebody has put it right."""
    with _database(settings).write() as session:
        at = method(session, to, community, Channel(channel))
        contacts.forget(session, at.community_id, at.person.id, at.channel)


@cli.command()
@_with_settings
def public(settings: Settings) -> None:
    """Hear what gateways and people say from outside (`public` in anju.toml)."""
    if not settings.public or not settings.public_url:
        raise InputError("settings", "public", "is not set, wanted host:port, and public_url as the world reaches it")
    gateways = _gateways(settings)
    heard = create_public(_database(settings), {one.name: one for one in gateways}, settings.public_url)
    process.run(lambda stop: serve_public(heard, settings.public_host, settings.public_port, stop))


@cli.command()
@_with_settings
def web(settings: Settings) -> None:
    """Show the pages."""
    database, gateways = _database(settings), _gateways(settings)
    routes = Routes(gateways, _routes(settings))
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
        database, door, carrier=carrier, host=urlsplit(settings.app_url).hostname or "", open_log=functools.partial(_open_log, settings)
    )

    async def serve_pages(stop: asyncio.Event) -> None:
        with listen(settings.http_host, settings.http_port, is_https=is_https) as listening:
            await serve_on(pages, listening, stop)

    process.run(serve_pages)


@cli.group()
def account() -> None:
    """How people who work here sign in; residents and families need nothing but their number."""


@account.command()
@_to
@_with_settings
def invite(settings: Settings, to: str, community: str | None) -> None:
    """Print a link with which somebody chooses a password and sets up their authenticator, once, within 72 hours."""
    with _database(settings).write() as session:
        community_id, person = whom(session, to, community)
        made = accounts.invite(session, installation_key(settings.state), accounts.login_of(community_id, person), time.time_ns())
    click.echo(f"{settings.app_url or f'http://{settings.http}'}/welcome/{made.token}")


@account.command()
@_to
@_with_settings
def end(settings: Settings, to: str, community: str | None) -> None:
    """Sign somebody out everywhere, and forget their password."""
    with _database(settings).write() as session:
        accounts.end(session, accounts.login_of(*whom(session, to, community)))


@cli.command(name="import")
@click.argument("community_file", metavar="COMMUNITY.yaml", type=input_file)
@click.option("--prune", is_flag=True, help="Remove what the file leaves out.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@_with_settings
def import_(settings: Settings, community_file: Path, *, prune: bool, dry_run: bool) -> None:
    """Create or update a community from a file; changes nothing if anything is wrong."""
    is_new = dry_run and settings.database.startswith("sqlite") and not Path(settings.database.removeprefix("sqlite:///")).exists()
    database = None if is_new else _database(settings)
    plan = importing.plan(importing.kept_in(database) if database else lambda _new: None, community_file, prune=prune)
    for warning in (*plan.warnings, *plan.ahead(time.time_ns())):
        click.echo(f"warning: {warning}", err=True)
    for notice in plan.notices:
        click.echo(f"notice: {notice}", err=True)
    for change in plan.changes:
        click.echo(change)
    if database and not dry_run:
        importing.apply(database, plan, time.time_ns())


datum_option = click.option(
    "--datum",
    type=click.Choice([one.value for one in Datum]),
    callback=lambda _context, _option, value: None if value is None else Datum(value),
    help="What degrees are; without it as the file says, and WGS 84 on the way out.",
)
output_option = click.option("-o", "--output", metavar="FILE", type=click.File("w", encoding="utf-8", atomic=True), default="-")


@cli.group()
def shapes() -> None:
    """Shapes of homes and fences, from files of maps and to them."""


@shapes.command(name="import")
@click.argument("drawing", metavar="FILE", type=input_file)
@click.option(
    "--community", "community_file", metavar="COMMUNITY.yaml", type=input_file, required=True, help="Printed with the shapes in it."
)
@click.option("--as", "section", type=click.Choice(["footprints", "geofences"]), default="footprints", show_default=True)
@click.option("--by", metavar="PROPERTY", default="id", show_default=True, help="Of a footprint: a home's id or address, or a building.")
@click.option("--layer", metavar="NAME", help="Of a GeoPackage.")
@datum_option
@output_option
def import_shapes(
    drawing: Path, community_file: Path, *, section: str, by: str, layer: str | None, datum: Datum | None, output: TextIO
) -> None:
    """Put the shapes of a GeoJSON, GeoPackage or Shapefile into a community file."""
    sheet, text = drawings.read(drawing, layer=layer, datum=datum), document.read(community_file)
    is_of_homes = section == "footprints"
    placed = placing.footprints(text, community_file, sheet, by) if is_of_homes else placing.fences(text, community_file, sheet)
    for line in placed.report:
        click.echo(line, err=True)
    output.write(placed.text)


@shapes.command(name="export")
@click.argument("community_name", metavar="COMMUNITY")
@datum_option
@output_option
@_with_settings
def export_shapes(settings: Settings, community_name: str, datum: Datum | None, output: TextIO) -> None:
    """Print a community's shapes, of a file or of an id that was imported, as GeoJSON."""
    is_file = Path(community_name).exists()
    text = document.read(Path(community_name)) if is_file else importing.kept_in(_database(settings))(CommunityId(community_name))
    if text is None:
        raise InputError(community_name, "", "is no file, and no community that was imported")
    collection = drawings.written(community.parse(text, community_name), community.said(text, community_name)[0], datum or Datum.WGS84)
    output.write(json.dumps(collection, ensure_ascii=False, allow_nan=False) + "\n")


@cli.group()
def device() -> None:
    """Devices that may connect to the embedded server."""


@device.command()
@click.argument("device_id", metavar="ID")
@click.option("--community", "community_id", metavar="COMMUNITY", help="Whose device it is; needed where there are several communities.")
@_with_settings
def credentials(settings: Settings, device_id: str, community_id: str | None) -> None:
    """Make a device new credentials and print them once; earlier ones end."""
    with _database(settings).read() as session:
        user, token = broker.new_device(settings.nats_folder, community_of(session, device_id, community_id), device_id)
    click.echo(f"user {user}\npassword {token}")


@cli.command()
@click.option("--stdin", "from_stdin", is_flag=True, help="Read it from standard input instead of asking.")
def code(*, from_stdin: bool) -> None:
    """Print what a community file says of a person's code: `code` or `duress_code`."""
    typed = sys.stdin.readline().rstrip("\r\n") if from_stdin else click.prompt("Code", hide_input=True, confirmation_prompt=True, err=True)
    if not is_code(typed):
        raise InputError("code", "", "is not shown, wanted 4 to 12 digits")
    click.echo(codes.digest(typed, secrets.token_bytes(codes.SALT_BYTES)))


@cli.group()
def gateway() -> None:
    """Keys and secrets of gateways."""


@gateway.command(name="push-keys")
def push_keys() -> None:
    """Make a key for web push and print it once: its private part for the environment, its public part for pages."""
    private, public = new_keys()
    click.echo(f"ANJU_VAPID_PRIVATE_KEY {private}\npublic {public}")


@gateway.command(name="webhook-secret")
@click.argument("address", metavar="URL")
def webhook_secret(address: str) -> None:
    """Print what a webhook's owner verifies with; of a new and an old secret the new one's first."""
    for secret in WebhookSettings.from_environment(os.environ).secrets_of(address):
        click.echo(secret)


def _brokers(settings: Settings) -> list[BrokerLink]:
    """Every broker that devices may be connected to, the embedded one last."""
    links = [
        BrokerLink(name=one.name, url=one.url, topics=one.topics, username=one.username, password=one.password()) for one in settings.broker
    ]
    if not settings.nats_url:
        token = broker.credentials_of(settings.nats_folder).ingest
        links.append(BrokerLink(name="embedded", url=_embedded(settings).mqtt_url, username=broker.INGEST, password=token))
    return links


def _embedded(settings: Settings) -> broker.EmbeddedBroker:
    return broker.EmbeddedBroker(
        broker.BrokerConfig(
            folder=settings.nats_folder, nats_port=settings.nats_port, mqtt_port=settings.mqtt_port, log_bytes=settings.log_bytes
        )
    )


def _database(settings: Settings) -> Database:
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database)
    database.upgrade()
    return database


async def _open_log(settings: Settings) -> Log:
    user, password = os.environ.get("ANJU_NATS_USER", ""), os.environ.get("ANJU_NATS_PASSWORD", "")
    if not settings.nats_url:
        user, password = broker.CORE, broker.credentials_of(settings.nats_folder).core
    return await Log.open(
        settings.nats_url or _embedded(settings).nats_url, user, password, Limits(max_age_s=settings.log_s, max_bytes=settings.log_bytes)
    )


async def _with_log(settings: Settings, work: Callable[[Log], Awaitable[None]]) -> None:
    log = await _open_log(settings)
    try:
        await work(log)
    finally:
        await log.close()


@cli.command()
@click.argument("capture_file", metavar="CAPTURE.jsonl", type=input_file)
@click.option("--community", "community_file", metavar="COMMUNITY.yaml", type=input_file, required=True)
@click.option("--batch", type=click.IntRange(min=1), default=256, help="Messages taken at once; the output does not depend on it.")
def replay(capture_file: Path, community_file: Path, batch: int) -> None:
    """Run a capture through the whole core on a simulated clock."""
    estate = community.load(community_file)
    premises = estate.premises()
    core = Replay(estate, pipeline(premises), Decoder(premises.registry), premises.modes)
    _print_lines(core.run(capture.read(capture_file), batch))


@cli.command()
@click.argument("recordings_file", metavar="RECORDINGS.npz", type=input_file)
@placement_option
def detect(recordings_file: Path, placement: Placement) -> None:
    """Run every recording through the streaming fall detector, each as a new device."""
    _print_lines(
        {"recording": one.recording, "kind": one.kind, "at_s": round(one.at_s, 2), "score": round(one.score, 2), "decided_s": one.decided_s}
        for one in detect_falls(recordings.load(recordings_file), placement)
    )


@cli.command()
@click.argument("recordings_file", metavar="RECORDINGS.npz", type=input_file)
@placement_option
def evaluate(recordings_file: Path, placement: Placement) -> None:
    """Show how good the fall detector is on recordings, by activity, with intervals."""
    given = recordings.load(recordings_file, labelled=True)
    terminal.show(evaluate_detections(given, detect_falls(given, placement)))


@cli.command()
@click.option("--recordings", "recordings_file", metavar="FILE.npz", type=input_file, help="Of people; else the demo's estate.")
@click.option("--count", type=click.IntRange(min=1), default=40, show_default=True, help="How many recordings, side by side.")
@placement_option
@click.option("--capture", "capture_file", metavar="FILE", type=input_file, help="Written instead, its community file beside it.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=10, help="Of the estate, in a capture.")
@click.option("--broker", "broker_url", metavar="URL", help="mqtt://user:password@host:port; else this installation's own.")
@_with_settings
def simulate(settings: Settings, recordings_file: Path | None, capture_file: Path | None, broker_url: str | None, **how: Any) -> None:  # noqa: ANN401
    """Devices that speak real MQTT, or what they would say as a capture."""
    given = recordings.load(recordings_file) if recordings_file else None
    if capture_file:
        if given:
            click.echo(rehearsal.write(given, count=how["count"], path=capture_file, placement=how["placement"]))
        else:
            click.echo(f"{capture_file} and {demo_estate.write(capture_file, minutes=how['minutes'])}")
        return
    chosen = rehearsal.choose(len(given.off) - 1 if given else 0, how["count"])
    content = rehearsal.text(len(chosen), how["placement"]) if given else estate.community_file()
    link = Link.parse(broker_url) if broker_url else _own_link(settings, content)
    source = rehearsal.messages(given, chosen, time.time_ns()) if given else demo_estate.messages(time.time_ns())
    counters, stop = Counters(), process.until_told()
    with terminal.counting(counters):
        publish(source, link, stop, counters)
    click.echo(f"{counters.published} messages published, {counters.acknowledged} acknowledged")


@cli.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65531),
    default=8480,
    show_default=True,
    help="Of its door; the providers have the next four; 0: free ones.",
)
@click.option("--public-url", metavar="URL", default="http://127.0.0.1:8471", show_default=True, help="Where receipts and answers go.")
@click.option("--pace", type=click.FloatRange(min=0), default=1.0, show_default=True, help="How long a second of a call lasts, s.")
def fake_carrier(port: int, public_url: str, pace: float) -> None:
    """Play Twilio, Aliyun, Tencent and a push service, and the phones behind them, until Ctrl-C; nothing leaves this machine."""
    process.log_lines("fake-carrier")
    stop = process.until_told()
    with Carrier(port=port, hooks_url=public_url.rstrip("/"), pace=pace) as carrier:
        public = public_url.rpartition("://")[2]
        click.echo(f'# anju.toml\ngateway = ["twilio", "twilio-voice"]\npublic = "{public}"\npublic_url = "{public_url}"')
        click.echo(f'carrier = "{carrier.url}"\n\n# environment; nobody but this carrier takes these')
        for name, value in carrier.environment.items():
            click.echo(f"export {name}={shlex.quote(value)}")
        sys.stdout.flush()
        stop.wait()


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8470, show_default=True, help="Of the pages.")
@click.option("--headless", is_flag=True, help="Nobody looks: print what happened at the end.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="End by itself.")
def demo(port: int, *, headless: bool, minutes: float | None) -> None:
    """An invented estate, its devices and the whole service, until Ctrl-C."""
    process.log_lines("demo")
    stop = process.until_told()
    public = f"127.0.0.1:{process.free_port()}"
    carrier = Carrier(hooks_url=f"http://{public}")
    with tempfile.TemporaryDirectory(prefix="anju-demo-") as folder, carrier:
        settings = Settings(
            state=Path(folder),
            http=f"127.0.0.1:{port}",
            public=public,
            public_url=f"http://{public}",
            carrier=carrier.url,
            visitors=True,
            gateway=("twilio", "twilio-voice"),
            nats_port=process.free_port(),
            mqtt_port=process.free_port(),
        )
        address = f"http://{settings.http}"
        listen(settings.http_host, port).close()
        with terminal.waiting("The estate moves in …"):
            links = _moved_in(settings)
            command = [sys.executable, __file__, "serve", f"--config={write_settings(settings)}"]
            service = process.Child(command, settings.state / "service.log", carrier.environment)
        try:
            with terminal.waiting("The service starts …"):
                service.wait_for(port, stop)
            click.echo(f"{address}   {estate.NAME}: a fall after 15 s, a walk up to a window after 30 s. Ctrl-C ends it.")
            click.echo(f"{address}/phones   Everybody's phones: answer, write back, press a key, or switch one off.")
            devices = threading.Thread(target=publish, args=(demo_estate.messages(time.time_ns()), links, stop), daemon=True)
            devices.start()
            stop.wait(minutes * 60 if minutes else None)
            stop.set()
            devices.join()
        finally:
            stop.set()
            carrier.hush()
            service.stop()
        if headless:
            _print_lines(summary.lines(Database(settings.database)))


def _moved_in(settings: Settings) -> Mapping[str, Link]:
    """The demo's estate, imported and armed; a connection for each of its devices."""
    database, community_id = _import(settings, estate.community_file())
    with database.write() as session:
        for home, mode in demo_estate.modes():
            change_mode(session, community_id, HomeId(home), Mode(mode), at_ns=time.time_ns(), by=PersonId("demo"))
    tokens = {one: broker.new_device(settings.nats_folder, estate.COMMUNITY, one)[1] for one in estate.devices()}
    return per_device(_embedded(settings).mqtt_url, estate.COMMUNITY, tokens)


def _own_link(settings: Settings, content: str) -> Link:
    """A connection to this installation's own server that speaks for all devices of a community, which is imported."""
    _, community_id = _import(settings, content)
    user, token = broker.new_device(settings.nats_folder, community_id)
    return Link.parse(_embedded(settings).mqtt_url, username=user, password=token)


def _import(settings: Settings, content: str) -> tuple[Database, CommunityId]:
    database = _database(settings)
    plan = importing.plan(importing.kept_in(database), "the simulator's community", text=content)
    importing.apply(database, plan, time.time_ns())
    return database, plan.community.id


@cli.command()
@click.argument("what", type=click.Choice(["fall", "geofence", "ingest", "pipeline", "delivery"]))
@click.option("--recordings", type=input_file, metavar="FILE.npz", help="Recordings of people, which `fall` is then measured on as well.")
@click.option("--noise", is_flag=True, help="Of `geofence`: false events against delay, with positions that err; some minutes.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def bench(what: str, *, recordings: Path | None, noise: bool, as_json: bool) -> None:
    """Measure, beside the peer that it is compared with, in one run."""
    from benchmarks import delivery as bench_delivery  # noqa: PLC0415  nobody else needs them
    from benchmarks import fall as bench_fall  # noqa: PLC0415
    from benchmarks import geofence as bench_geofence  # noqa: PLC0415
    from benchmarks import geofence_noise as bench_noise  # noqa: PLC0415
    from benchmarks import ingest as bench_ingest  # noqa: PLC0415
    from benchmarks import measure  # noqa: PLC0415
    from benchmarks import pipeline as bench_pipeline  # noqa: PLC0415

    if recordings is not None and what != "fall":
        raise click.BadOptionUsage("--recordings", f"--recordings is given to {what}, wanted with fall alone")
    if noise:
        if what != "geofence":
            raise click.BadOptionUsage("--noise", f"--noise is given to {what}, wanted with geofence alone")
        bench_noise.tell(bench_noise.rows(), as_json=as_json)
        return
    run: Mapping[str, Callable[[], measure.Figures]] = {
        "fall": lambda: bench_fall.run(recordings),
        "geofence": bench_geofence.run,
        "ingest": bench_ingest.run,
        "pipeline": lambda: bench_pipeline.run(pipeline),
        "delivery": bench_delivery.run,
    }
    measure.tell(run[what](), as_json=as_json)


def _print_lines(lines: Iterable[Mapping[str, Any]]) -> None:
    for line in lines:
        sys.stdout.write(json.dumps(line, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n")


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"anju: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except InputError as error:
        click.echo(f"anju: {error}", err=True)
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:  # whoever read our lines has gone; nothing more can be said to them, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (OSError, StoreError, LogError, broker.BrokerError, GatewayError, SimulatorError) as error:
        click.echo(f"anju: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
