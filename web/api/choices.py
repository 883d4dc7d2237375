"""What people choose for themselves, what a resident allows whom, and what is kept of them."""

import json
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from devices.model import PersonId
from incidents.audience import wards
from incidents.model import Story as StoryKind
from store import consents, timelines, views
from store.consents import PURPOSES, Consent
from store.schema import MOST_PUSH
from web.api.choosing import keep
from web.api.model import ConsentShown, ConsentWish, PushGone, PushWish, Settings, Span
from web.api.problems import ProblemError
from web.gate import TheWho
from web.rights import Action
from web.site import TheSite, Visit
from web.words import Notice

_NOT_PUBLIC = frozenset({"local", "localhost", "internal", "lan", "home", "corp", "intranet", "arpa", "test"})
"""Top-level names of networks of one's own (RFC 6761, 6762, 8375, ICANN's .internal)."""

router = APIRouter(prefix="/api", tags=["choices"])


@router.get("/me/settings")
def settings(who: TheWho) -> Settings:
    """What somebody chose, or what the community says of them."""
    quiet = who.person.quiet
    daily = who.person.daily
    return Settings(
        language=who.person.language,
        quiet=Span(since=f"{quiet[0]:%H:%M}", to=f"{quiet[1]:%H:%M}") if quiet is not None else None,
        daily=None if daily is None else f"{daily:%H:%M}",
        day_after=who.person.day_after,
        day_after_at=who.person.day_after_at and f"{who.person.day_after_at:%H:%M}",
    )


@router.put("/me/settings")
def choose(site: TheSite, who: TheWho, wish: Settings) -> Settings:
    """Choose the language that one is told in, what one wants to hear, and when one wants quiet: life safety is told at any time."""

    def change(chosen: dict[str, Any]) -> None:
        if wish.language is not who.person.language:
            chosen["language"] = wish.language.value
        before = who.person.quiet and {"from": f"{who.person.quiet[0]:%H:%M}", "to": f"{who.person.quiet[1]:%H:%M}"}
        after = {"from": wish.quiet.since, "to": wish.quiet.to} if wish.quiet else None
        if after != before:
            chosen["quiet"] = after
        for name, value in wish.model_dump(include={"daily", "day_after", "day_after_at"}, exclude_unset=True).items():
            if value:
                chosen[name] = value
            else:
                chosen.pop(name, None)

    keep(site, who, change)
    return wish


@router.post("/push", status_code=204)
def subscribe(site: TheSite, who: TheWho, wish: PushWish) -> None:
    """Send push messages to a browser; of too many the oldest goes."""
    if not _is_of_the_world(wish.endpoint):
        raise ProblemError(422, Notice.REFUSED)
    address = json.dumps({"endpoint": wish.endpoint, "keys": wish.keys.model_dump()}, separators=(",", ":"))

    def change(chosen: dict[str, Any]) -> None:
        others = [one for one in chosen.get("push", []) if json.loads(one)["endpoint"] != wish.endpoint]
        chosen["push"] = [*others, address][-MOST_PUSH:]

    keep(site, who, change)


@router.delete("/push", status_code=204)
def unsubscribe(site: TheSite, who: TheWho, wish: PushGone) -> None:
    """Send none any more."""

    def change(chosen: dict[str, Any]) -> None:
        chosen["push"] = [one for one in chosen.get("push", []) if json.loads(one)["endpoint"] != wish.endpoint]

    keep(site, who, change)


@router.get("/consents")
def shown(request: Request, site: TheSite) -> list[ConsentShown]:
    """Who may have what of whom, with its history."""
    with site.visit(request) as visit:
        return _consents(visit)


@router.put("/consents")
def allow(request: Request, site: TheSite, who: TheWho, wish: ConsentWish) -> list[ConsentShown]:
    """Allow something, or take it back; it holds at once."""
    if wish.resident not in who.wards:
        raise ProblemError(404, Notice.NOT_YOURS)
    if wish.recipient not in PURPOSES[wish.purpose]:
        raise ProblemError(422, Notice.REFUSED)
    said = Consent(
        resident=PersonId(wish.resident),
        purpose=wish.purpose,
        recipient=wish.recipient,
        is_given=wish.is_given,
        by=who.id,
        at_ns=site.clock(),
    )
    with site.database.write() as session:
        consents.say(session, who.community_id, said)
    with site.visit(request) as visit:
        return _consents(visit)


@router.get("/export")
def export(request: Request, site: TheSite) -> Response:
    """Everything that is kept of somebody and of their home, as a file."""
    with site.visit(request) as visit:
        said = _export(visit)
    return JSONResponse(said, headers={"Content-Disposition": 'attachment; filename="anju.json"'})


def _is_of_the_world(endpoint: str) -> bool:
    """Whether a push service has a name of the public internet: we call it, and nobody makes us call what stands beside us."""
    try:
        labels = (urlsplit(endpoint).hostname or "").rstrip(".").lower().split(".")
    except ValueError:
        return False
    return len(labels) > 1 and labels[-1].isalpha() and labels[-1] not in _NOT_PUBLIC


def _consents(visit: Visit) -> list[ConsentShown]:
    scene, words = visit.scene, visit.scene.words
    residents = [one for one in visit.community.directory.people if one in visit.who.wards]
    said = consents.history(visit.session, visit.community.id, residents)
    withheld = consents.withheld(visit.session, visit.community.id)
    return [
        ConsentShown(
            resident=resident,
            resident_name=scene.name(resident),
            purpose=purpose,
            purpose_words=words.purposes_of_data[purpose],
            recipient=recipient,
            recipient_words=words.recipients[recipient],
            is_given=(resident, purpose, recipient) not in withheld,
            history_words=[
                words.consented[one.is_given].format(time=scene.clock(one.at_ns), by=scene.name(one.by))
                for one in reversed(said)
                if (one.resident, one.purpose, one.recipient) == (resident, purpose, recipient)
            ],
        )
        for resident in residents
        for purpose, recipients in PURPOSES.items()
        for recipient in recipients
    ]


def _export(visit: Visit) -> dict[str, Any]:
    """In the words of the files and tables: what a program of somebody else's can read."""
    session, who, community_id = visit.session, visit.who, visit.community.id
    mine = who.id
    found = [
        one
        for one in (*views.open_incidents(session, community_id), *views.closed_incidents(session, community_id, 10_000))
        if mine in wards(one, visit.community.directory) and who.may_about(Action.SEE_INCIDENTS, one) and one.story is not StoryKind.SILENCE
    ]
    modes = views.mode_history(session, community_id, 10_000)
    return {
        "person": {"id": mine, "name": who.person.name, "home": who.person.home, "phone": who.person.phone_e164},
        "incidents": [
            {
                "id": one.id,
                "state": one.state,
                "opened_ns": one.opened_ns,
                "ended_ns": one.ended_ns,
                "events": [
                    {"kind": event.kind, "t_ns": event.t_ns, "score": event.score, "evidence": dict(event.evidence)} for event in one.events
                ],
                "timeline": [
                    {"at_ns": entry.at_ns, "kind": entry.kind, "by": entry.by, "detail": entry.detail}
                    for _, entry in timelines.read(session, community_id, one.id)
                ],
            }
            for one in found
        ],
        "messages": [
            {"at_ns": one.created_ns, "channel": one.channel, "state": one.state, "text": one.text}
            for one in views.messages(session, community_id, mine, 10_000)
        ],
        "modes": [
            {"home": home, "mode": one.mode, "since_ns": one.since_ns, "by": one.by} for home in who.homes for one in modes.get(home, ())
        ],
        "consents": [
            {"purpose": one.purpose, "recipient": one.recipient, "is_given": one.is_given, "by": one.by, "at_ns": one.at_ns}
            for one in consents.history(session, community_id, [mine])
        ],
    }
