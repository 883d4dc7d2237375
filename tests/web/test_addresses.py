"""One's own number and mail address: changed in the app, and known by a code that was sent to the new one."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

import httpx
import pytest
from fakes.lakeside import LAKESIDE, Estate, Service, front_door
from fakes.reading import Asking

from devices.model import NS_PER_S, PersonId
from incidents.directory import Channel, Language, Person
from store import contacts, importing
from store.attempts import CODES_OF_A_NUMBER
from store.contacts import ContactState
from store.estates import Estates
from store.verification import MOST_TRIES
from web.languages import words_in
from web.service import create_app
from web.words import Notice, SignIn

EN = words_in(Language.EN)
LEI, NEW = "+8613800000001", "+8613900000777"
WAIT_S = 20


@dataclass
class Home:
    """Pages that can send, and what was sent to which address."""

    estate: Estate
    texts: SimpleQueue[tuple[str, str]] = field(default_factory=SimpleQueue)
    codes: SimpleQueue[tuple[str, str]] = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        door = front_door(self.codes, self.texts, as_anybody=False, mails=True)
        self.pages = Service(self.estate.database, self.estate.clock, app=create_app(self.estate.database, door, clock=self.estate.clock))

    def ask(self, who: str = "wang-lei", *, is_strong: bool = False) -> Asking:
        made = Asking(self.pages.url, self.estate, "")
        made.be(who, is_strong=is_strong)
        return made

    def told(self) -> tuple[str, str]:
        """To which address the next text was sent, and what it says."""
        return self.texts.get(timeout=WAIT_S)

    def is_silent(self) -> bool:
        """Whether nothing more was sent, once everything that was asked for has been done."""
        self.pages.stop()
        try:
            return not self.texts.get_nowait()
        except Empty:
            return True

    def code(self, client: httpx.Client, address: str = NEW, kind: str = "phone") -> str:
        asked = client.post("/api/me/addresses/code", json={"kind": kind, "address": address})
        assert asked.status_code == 204, asked.text
        to, said = self.told()
        assert to == address
        found = re.search(r"\d{6}", said)
        assert found
        return found[0]

    def change(self, client: httpx.Client, address: str, code: str, kind: str = "phone") -> httpx.Response:
        return client.put("/api/me/addresses", json={"kind": kind, "address": address, "code": code})

    def person(self, who: str = "wang-lei") -> Person:
        with self.estate.database.read() as session:
            return Estates().community(session, LAKESIDE).directory.people[PersonId(who)]

    def state(self, channel: Channel, who: str = "wang-lei") -> ContactState | None:
        with self.estate.database.read() as session:
            return contacts.state(session, LAKESIDE, self.person(who), channel)


@pytest.fixture
def home(estate: Estate) -> Iterator[Home]:
    made = Home(estate)
    yield made
    made.pages.stop()


def other(code: str) -> str:
    return "000000" if code != "000000" else "000001"


def test_a_new_number_takes_the_old_ones_place_by_the_code_that_it_gets(home: Home) -> None:
    with home.ask() as daughter, home.ask() as tablet:
        before = daughter.get("/api/me/addresses").json()
        assert (before["phone"], before["may_change"]) == (LEI, ["phone", "email"])
        code = home.code(daughter)
        assert home.person().phone_e164 == LEI  # a number that nobody has shown to be theirs is told nothing
        wrong = home.change(daughter, NEW, other(code))
        assert (wrong.status_code, wrong.json()["words"]) == (422, EN.sign_in[SignIn.WRONG_CODE])
        changed = home.change(daughter, NEW, f"{code[:3]} {code[3:]}")
        assert (changed.status_code, changed.json()["phone"]) == (200, NEW)
        assert (home.person().phone_e164, home.state(Channel.SMS)) == (NEW, ContactState.VERIFIED)
        to, said = home.told()
        assert (to, "***0777" in said, NEW in said) == (LEI, True, False)
        assert daughter.get("/api/me").json()["id"] == "wang-lei"  # signed in still, by the new number
        assert tablet.get("/api/me").status_code == 401
        assert home.change(daughter, NEW, code).status_code == 422  # a code is good once


def test_signing_in_works_by_the_new_number_and_no_more_by_the_old(home: Home) -> None:
    with home.ask() as daughter:
        assert home.change(daughter, NEW, home.code(daughter)).status_code == 200
    with home.pages.client() as anybody:
        anybody.post("/sign-in", data={"phone": NEW})
        to, code = home.codes.get(timeout=WAIT_S)
        assert to == "wang-lei"
        assert anybody.post("/sign-in/code", data={"login": NEW, "code": code}).status_code == 303
        assert anybody.get("/api/me").json()["id"] == "wang-lei"
        anybody.post("/sign-in", data={"phone": LEI})
    home.pages.stop()
    assert home.codes.empty()


def test_an_import_keeps_the_number_and_a_file_that_says_so_gives_it_back(home: Home) -> None:
    with home.ask() as daughter:
        assert home.change(daughter, NEW, home.code(daughter)).status_code == 200

    def import_(said: dict[str, Any]) -> None:
        home.estate.now_ns += NS_PER_S
        planned = importing.plan(importing.kept_in(home.estate.database), "a file", text=json.dumps(said, ensure_ascii=False))
        importing.apply(home.estate.database, planned, home.estate.now_ns)

    import_(home.estate.said)
    assert home.person().phone_e164 == NEW
    people = [{**one, "chosen": {}} if one["id"] == "wang-lei" else one for one in home.estate.said["people"]]
    import_({**home.estate.said, "people": people})
    assert home.person().phone_e164 == LEI


def test_somebody_elses_number_is_answered_like_any(home: Home) -> None:
    def likeness(client: httpx.Client, number: str) -> list[tuple[int, str]]:
        asked = [
            client.post("/api/me/addresses/code", json={"kind": "phone", "address": number}) for _ in range(CODES_OF_A_NUMBER.most + 2)
        ]
        tried = [home.change(client, number, "nothing") for _ in range(MOST_TRIES + 1)]
        return [(one.status_code, one.text) for one in (*asked, *tried)]

    with home.ask() as daughter:
        of_nobody = likeness(daughter, NEW)
    with home.ask("wang-xiuying") as mother:
        of_somebody = likeness(mother, LEI)
    assert of_nobody == of_somebody


def test_codes_are_sent_no_oftener_than_for_signing_in(home: Home) -> None:
    with home.ask() as daughter:
        codes = [home.code(daughter)]
        assert daughter.post("/api/me/addresses/code", json={"kind": "phone", "address": NEW}).status_code == 204  # too soon
        for _ in range(CODES_OF_A_NUMBER.most - 2):
            home.estate.now_ns += 61 * NS_PER_S
            codes.append(home.code(daughter))
        home.estate.now_ns += 61 * NS_PER_S
        another = {"kind": "phone", "address": "+8613900000778"}  # nor to another number
        assert daughter.post("/api/me/addresses/code", json=another).status_code == 204
    assert home.is_silent()


def test_a_code_is_worn_out_by_wrong_ones_and_by_time(home: Home) -> None:
    with home.ask() as daughter:
        code = home.code(daughter)
        for _ in range(MOST_TRIES):
            assert home.change(daughter, NEW, other(code)).status_code == 422
        assert home.change(daughter, NEW, code).status_code == 422
        home.estate.now_ns += 61 * NS_PER_S
        code = home.code(daughter)
        assert home.change(daughter, "+8613900000778", code).status_code == 422  # it is of one number
        home.estate.now_ns += 601 * NS_PER_S
        assert home.change(daughter, NEW, code).status_code == 422
    assert home.person().phone_e164 == LEI


def test_a_mail_address_is_changed_by_a_code_that_it_gets(home: Home) -> None:
    with home.ask() as daughter:
        code = home.code(daughter, "lei@example.org", "email")
        assert home.change(daughter, "lei@example.org", code, "email").json()["emails"] == ["lei@example.org"]
        assert (home.person().addresses_of(Channel.EMAIL), home.state(Channel.EMAIL)) == (("lei@example.org",), ContactState.VERIFIED)
        home.estate.now_ns += 61 * NS_PER_S
        code = home.code(daughter, "lei@example.com", "email")
        assert home.change(daughter, "lei@example.com", code, "email").json()["emails"] == ["lei@example.com"]
        to, said = home.told()
        assert (to, "l***@example.com" in said) == ("lei@example.org", True)
        assert home.person().phone_e164 == LEI


@pytest.mark.parametrize(
    ("kind", "address", "words"),
    [
        ("phone", "12", EN.sign_in[SignIn.NO_NUMBER]),
        ("phone", "wang-lei", EN.sign_in[SignIn.NO_NUMBER]),
        ("email", "lei", EN.notices[Notice.NO_MAIL]),
        ("email", "a b@example.org", EN.notices[Notice.NO_MAIL]),
        ("pager", "1", EN.notices[Notice.REFUSED]),
    ],
)
def test_what_is_no_address_is_said_to_be_none(home: Home, kind: str, address: str, words: str) -> None:
    with home.ask() as daughter:
        asked = daughter.post("/api/me/addresses/code", json={"kind": kind, "address": address})
    assert (asked.status_code, asked.json()["words"]) == (422, words)


def test_who_works_here_is_told_that_their_number_is_not_theirs_to_change(estate: Estate) -> None:
    people = [
        {**one, "roles": ["relative", "guard"], "of": ["wang-xiuying"]} if one["id"] == "guard-chen" else one
        for one in estate.said["people"]
    ]
    estate.write({**estate.said, "people": people})
    home = Home(estate)
    try:
        with home.ask("guard-chen") as guard:
            assert guard.get("/api/me/addresses").json()["may_change"] == ["email"]
            asked = guard.post("/api/me/addresses/code", json={"kind": "phone", "address": NEW})
            assert (asked.status_code, asked.json()["words"]) == (422, EN.notices[Notice.NOT_YOURS_TO_CHANGE])
    finally:
        home.pages.stop()
