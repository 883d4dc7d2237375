"""A test alarm: it walks the whole chain of those who would be told, and shows where it broke."""

from itertools import groupby

from fastapi import APIRouter, BackgroundTasks, Request

from devices.model import PersonId
from store import attempts, chain_checks
from store.attempts import Limit
from store.chain_checks import ChainCheck, CheckedLink, LinkState
from web.api.glances import home_at
from web.api.model import SosWish, TestLinkShown, TestRun, TestStep
from web.api.own import when_words
from web.api.problems import ProblemError
from web.gate import TheDoor, TheWho
from web.rights import Action
from web.site import TheSite, Visit
from web.words import Glancing, Notice

TESTS = Limit(what="test alarms", most=3, within_s=3600)
"""Of a home: each is a message to everybody."""

router = APIRouter(prefix="/api/homes/{home_id}/test-alarm", tags=["homes"])


@router.post("", status_code=201)
def test(  # noqa: PLR0917  what a request has
    request: Request, site: TheSite, door: TheDoor, who: TheWho, tasks: BackgroundTasks, home_id: str, wish: SosWish
) -> TestRun:
    """Send everybody who would be told a message that says it is a test; the hospital's desk is left out."""
    home = home_at(who, Action.TEST_ALARM, home_id)
    occupants = who.directory.homes[home].occupants
    resident = PersonId(wish.resident) if wish.resident else next(iter(occupants), None)
    if door.chain_checks is None or resident is None or resident not in occupants:
        raise ProblemError(422, Notice.REFUSED)
    with site.database.write() as session:
        if not attempts.take(session, TESTS, f"{who.community_id}/{home}", site.clock()):
            raise ProblemError(409, Notice.TESTED_ENOUGH)
    number, begun = door.chain_checks.begin(who.community_id, home, resident, who.id)
    tasks.add_task(door.chain_checks.walk, who.community_id, number, begun)
    with site.visit(request) as visit:
        return _shown(begun, visit)


@router.get("")
def newest(request: Request, site: TheSite, home_id: str) -> TestRun | None:
    """The newest test of a home."""
    with site.visit(request) as visit:
        home = home_at(visit.who, Action.TEST_ALARM, home_id)
        found = chain_checks.newest(visit.session, visit.community.id, home)
        return _shown(found, visit) if found else None


def _shown(test: ChainCheck, visit: Visit) -> TestRun:
    scene = visit.scene
    steps = [(after_s, list(links)) for after_s, links in groupby(test.links, key=lambda one: one.after_s)]
    return TestRun(
        at_words=scene.clock(test.at_ns),
        by_words=scene.name(test.by),
        resident_words=scene.name(test.resident),
        is_done=test.is_done,
        steps=[TestStep(when_words=when_words(after_s, visit), links=[_link(one, visit) for one in links]) for after_s, links in steps],
        broken_words="" if any(_reaches(one) for one in test.links) or not test.is_done else scene.words.glance[Glancing.NO_CHAIN],
    )


def _reaches(link: CheckedLink) -> bool:
    return link.state in {LinkState.SENT, LinkState.DELIVERED}


def _link(link: CheckedLink, visit: Visit) -> TestLinkShown:
    scene, words = visit.scene, visit.scene.words
    return TestLinkShown(
        name=scene.name(link.person),
        role_words=scene.relation(link.person),
        channel_words=words.channels[link.channel] if link.channel else words.no_channel,
        state=link.state,
        words=words.test_links[link.state],
        code=link.code if link.state is LinkState.FAILED else None,
    )
