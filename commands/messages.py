"""The ways to people: trying them, what they cost, what is known of them."""

import json
import os
import shlex
import sys
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from commands.installation import brokers_of, database_of
from commands.options import of_method, with_settings
from commands.ways import gateways_of, routes_of
from devices import process
from devices.model import NS_PER_S
from incidents.audience import tellable
from incidents.directory import Channel, Severity
from notifier.carrier.carrier import Carrier
from notifier.gateways import setup
from notifier.gateways.model import Answer
from notifier.gateways.wearable import WearableGateway
from notifier.gateways.webhook import WebhookSettings
from notifier.gateways.webpush import new_keys
from notifier.routing import Routes
from notifier.spending import MICRO, month_began_ns
from notifier.trying import method, told, trial
from notifier.verifying import asked_for
from store import (
    contacts,
    spending,
    verification,
)
from store.estates import Estates
from store.links import installation_key
from store.model import InputError
from store.outbox import DeliveryOutcome
from store.settings import Settings


@click.command()
@click.option("--to", metavar="PERSON", required=True, help="A person's id, or a number such as +8613800000001.")
@click.option("--community", metavar="ID", help="Whose person it is; needed where there are several.")
@click.option("--channel", type=click.Choice([one.value for one in Channel if one is not Channel.DEVICE]), help="Else the first they have.")
@click.option("--severity", type=click.Choice([one.value for one in Severity]), default="life", show_default=True, help="For the routes.")
@click.option("--text", help="Instead of a sentence that says it is a test.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent by what, and send nothing.")
@click.option("--test-mode", is_flag=True, help="By the provider's own test mode: checked there as a real one, and told to nobody.")
@with_settings
def notify(settings: Settings, *, dry_run: bool, test_mode: bool, channel: str | None, severity: str, **whom: Any) -> None:  # noqa: ANN401
    """Try the way to somebody."""
    gateways = gateways_of(settings)
    routes = Routes([*gateways, WearableGateway(brokers_of(settings))], routes_of(settings))
    with database_of(settings).read() as session:
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


@click.command()
@click.option("--month", metavar="YYYY-MM", help="By UTC; else this one.")
@with_settings
def costs(settings: Settings, month: str | None) -> None:
    """Say what messages have cost, by community and gateway (`price` in anju.toml)."""
    try:
        within = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC) if month else datetime.now(tz=UTC)
    except ValueError:
        raise InputError("--month", str(month), "is no month, wanted such as 2026-03") from None
    utc = ZoneInfo("UTC")
    began_ns = month_began_ns(utc, round(within.timestamp()) * NS_PER_S)
    ended_ns = month_began_ns(utc, began_ns + 31 * 24 * 3600 * NS_PER_S)
    with database_of(settings).read() as session:
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


@click.group()
def contact() -> None:
    """Telephones and addresses at which people are told: which work, and whose they are."""


@contact.command(name="list")
@click.option("--community", metavar="ID", help="Of this one; else of all.")
@with_settings
def list_contacts(settings: Settings, community: str | None) -> None:
    """Say what is known of every contact method."""
    with database_of(settings).read() as session:
        estates = Estates()
        for community_id in estates.ids(session):
            people = estates.community(session, community_id).directory.people if community in {None, community_id} else {}
            for person in people.values():
                for channel in tellable(person):
                    state = contacts.state(session, community_id, person, channel) or "unverified"
                    click.echo(json.dumps({"community": community_id, "person": person.id, "channel": channel, "state": state}))


@contact.command()
@of_method
@with_settings
def verify(settings: Settings, to: str, community: str | None, channel: str) -> None:
    """Send a code there; `anju contact confirm` takes it."""
    routes = Routes(gateways_of(settings), routes_of(settings))
    with database_of(settings).write() as session:
        at = method(session, to, community, Channel(channel))
        tried = asked_for(session, installation_key(settings.state), at, routes, time.time_ns())
    _say_sent(*tried.send(time.time_ns()))


@contact.command()
@of_method
@click.argument("digits", metavar="CODE")
@with_settings
def confirm(settings: Settings, to: str, community: str | None, channel: str, digits: str) -> None:
    """Take the code that was sent: what is broken or opted out works again."""
    with database_of(settings).write() as session:
        at = method(session, to, community, Channel(channel))
        said = verification.confirm(session, installation_key(settings.state), at, digits, time.time_ns())
    click.echo(said)
    if said is not verification.Confirmed.VERIFIED:
        raise SystemExit(1)


@contact.command()
@of_method
@with_settings
def forget(settings: Settings, to: str, community: str | None, channel: str) -> None:
    """Forget what is known of it, because somebody has put it right."""
    with database_of(settings).write() as session:
        at = method(session, to, community, Channel(channel))
        contacts.forget(session, at.community_id, at.person.id, at.channel)


@click.group()
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


@click.command()
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
