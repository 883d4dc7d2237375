"""Communities: their files, shapes, devices and accounts."""

import json
import secrets
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import click

from commands.installation import database_of
from commands.options import input_file, of_person, with_settings
from devices import broker
from devices.model import NS_PER_MS, CommunityId, DeviceId, PersonId
from devices.sensors.keypad import is_code
from geofence.datum import Datum
from incidents.directory import Role
from notifier.trying import whom
from rules.home import codes
from store import (
    accounts,
    community,
    departures,
    document,
    drawings,
    importing,
    placing,
    wearers,
)
from store.estates import Estates, community_of
from store.links import installation_key
from store.model import InputError
from store.schema import Departure
from store.settings import Settings


@click.command(name="import")
@click.argument("community_file", metavar="COMMUNITY.yaml", type=input_file)
@click.option("--prune", is_flag=True, help="Remove what the file leaves out.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@with_settings
def import_(settings: Settings, community_file: Path, *, prune: bool, dry_run: bool) -> None:
    """Create or update a community from a file; changes nothing if anything is wrong."""
    is_new = dry_run and settings.database.startswith("sqlite") and not Path(settings.database.removeprefix("sqlite:///")).exists()
    database = None if is_new else database_of(settings)
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


@click.group()
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
@with_settings
def export_shapes(settings: Settings, community_name: str, datum: Datum | None, output: TextIO) -> None:
    """Print a community's shapes, of a file or of an id that was imported, as GeoJSON."""
    is_file = Path(community_name).exists()
    text = document.read(Path(community_name)) if is_file else importing.kept_in(database_of(settings))(CommunityId(community_name))
    if text is None:
        raise InputError(community_name, "", "is no file, and no community that was imported")
    collection = drawings.written(community.parse(text, community_name), community.said(text, community_name)[0], datum or Datum.WGS84)
    output.write(json.dumps(collection, ensure_ascii=False, allow_nan=False) + "\n")


@click.group()
def device() -> None:
    """Devices that may connect to the embedded server."""


@device.command()
@click.argument("device_id", metavar="ID")
@click.option("--community", "community_id", metavar="COMMUNITY", help="Whose device it is; needed where there are several communities.")
@with_settings
def credentials(settings: Settings, device_id: str, community_id: str | None) -> None:
    """Make a device new credentials and print them once; earlier ones end."""
    with database_of(settings).read() as session:
        user, token = broker.new_device(settings.nats_folder, community_of(session, device_id, community_id), device_id)
    click.echo(f"user {user}\npassword {token}")


@device.command()
@click.argument("device_id", metavar="ID")
@click.argument("wearer", metavar="PERSON")
@click.option("--since", metavar="TIME", help="Such as 2026-03-01T06:00:00Z, within the last 7 days; else now.")
@click.option("--community", "community_id", metavar="COMMUNITY", help="Whose device it is; needed where there are several communities.")
@with_settings
def wear(settings: Settings, device_id: str, wearer: str, since: str | None, community_id: str | None) -> None:
    """Say that somebody else wears a device: what it measured before is about whoever wore it then."""
    now_ns = time.time_ns()
    with database_of(settings).write() as session:
        whose = community_of(session, device_id, community_id)
        wearers.give(session, whose, DeviceId(device_id), PersonId(wearer), since_ns=_since(since, now_ns), now_ns=now_ns)
    click.echo(f"~ devices {device_id} wearer: {wearer}")


def _since(words: str | None, now_ns: int) -> int:
    try:
        return now_ns if words is None else round(datetime.fromisoformat(words).astimezone(UTC).timestamp() * 1000) * NS_PER_MS
    except ValueError:
        raise InputError("--since", str(words), "is no time, wanted such as 2026-03-01T06:00:00Z") from None


@click.group()
def person() -> None:
    """People of a community."""


@person.command()
@click.argument("resident", metavar="RESIDENT")
@click.option("--why", type=click.Choice([one.value for one in Departure]), required=True)
@click.option("--by", metavar="PERSON", required=True, help="The administrator who says so.")
@click.option("--community", "community_id", metavar="COMMUNITY", required=True)
@with_settings
def left(settings: Settings, resident: str, why: str, by: str, community_id: str) -> None:
    """Say that a resident moved out or died: messages stop quietly, what they wore is free, and after 180 days their name is forgotten."""
    with database_of(settings).write() as session:
        directory = Estates().community(session, CommunityId(community_id)).directory
        who = directory.people.get(PersonId(by))
        if who is None or Role.ADMINISTRATOR not in who.roles:
            raise InputError("--by", by, "is no administrator of the community")
        departures.leave(session, directory.community_id, PersonId(resident), Departure(why), by=who.id, now_ns=time.time_ns())
    click.echo(f"~ people {resident} left: {why}")


@click.command()
@click.option("--stdin", "from_stdin", is_flag=True, help="Read it from standard input instead of asking.")
def code(*, from_stdin: bool) -> None:
    """Print what a community file says of a person's code: `code` or `duress_code`."""
    typed = sys.stdin.readline().rstrip("\r\n") if from_stdin else click.prompt("Code", hide_input=True, confirmation_prompt=True, err=True)
    if not is_code(typed):
        raise InputError("code", "", "is not shown, wanted 4 to 12 digits")
    click.echo(codes.digest(typed, secrets.token_bytes(codes.SALT_BYTES)))


@click.group()
def account() -> None:
    """How people who work here sign in; residents and families need nothing but their number."""


@account.command()
@of_person
@with_settings
def invite(settings: Settings, to: str, community: str | None) -> None:
    """Print a link with which somebody chooses a password and sets up their authenticator, once, within 72 hours."""
    with database_of(settings).write() as session:
        community_id, person = whom(session, to, community)
        made = accounts.invite(session, installation_key(settings.state), accounts.login_of(community_id, person), time.time_ns())
    click.echo(f"{settings.app_url or f'http://{settings.http}'}/welcome/{made.token}")


@account.command()
@of_person
@with_settings
def end(settings: Settings, to: str, community: str | None) -> None:
    """Sign somebody out everywhere, and forget their password."""
    with database_of(settings).write() as session:
        accounts.end(session, accounts.login_of(*whom(session, to, community)))
