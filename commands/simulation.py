"""Devices and an estate that nobody lives in."""

import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from commands.installation import COMMAND_LINE, database_of, embedded_broker
from commands.options import input_file, placement_option, print_lines, with_settings
from devices import broker, process
from devices.model import CommunityId, HomeId, PersonId
from devices.simulator import demo as demo_estate
from devices.simulator import estate
from devices.simulator import recordings as rehearsal
from devices.simulator.links import Link, per_device
from devices.simulator.mqtt import Counters, publish
from notifier.carrier.carrier import Carrier
from rules.kinds import Mode
from store import importing, recordings, summary
from store.configuration import change_mode
from store.session import Database
from store.settings import Settings
from store.settings import write as write_settings
from web import terminal
from web.service import listen


@click.command()
@click.option("--recordings", "recordings_file", metavar="FILE.npz", type=input_file, help="Of people; else the demo's estate.")
@click.option("--count", type=click.IntRange(min=1), default=40, show_default=True, help="How many recordings, side by side.")
@placement_option
@click.option("--capture", "capture_file", metavar="FILE", type=input_file, help="Written instead, its community file beside it.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=10, help="Of the estate, in a capture.")
@click.option("--broker", "broker_url", metavar="URL", help="mqtt://user:password@host:port; else this installation's own.")
@with_settings
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


@click.command()
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
            command = [sys.executable, str(COMMAND_LINE), "serve", f"--config={write_settings(settings)}"]
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
            print_lines(summary.lines(Database(settings.database)))


def _moved_in(settings: Settings) -> Mapping[str, Link]:
    """The demo's estate, imported and armed; a connection for each of its devices."""
    database, community_id = _import(settings, estate.community_file())
    with database.write() as session:
        for home, mode in demo_estate.modes():
            change_mode(session, community_id, HomeId(home), Mode(mode), at_ns=time.time_ns(), by=PersonId("demo"))
    tokens = {one: broker.new_device(settings.nats_folder, estate.COMMUNITY, one)[1] for one in estate.devices()}
    return per_device(embedded_broker(settings).mqtt_url, estate.COMMUNITY, tokens)


def _own_link(settings: Settings, content: str) -> Link:
    """A connection to this installation's own server that speaks for all devices of a community, which is imported."""
    _, community_id = _import(settings, content)
    user, token = broker.new_device(settings.nats_folder, community_id)
    return Link.parse(embedded_broker(settings).mqtt_url, username=user, password=token)


def _import(settings: Settings, content: str) -> tuple[Database, CommunityId]:
    database = database_of(settings)
    plan = importing.plan(importing.kept_in(database), "the simulator's community", text=content)
    importing.apply(database, plan, time.time_ns())
    return database, plan.community.id
