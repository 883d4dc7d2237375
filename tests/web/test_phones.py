"""The phones page with a carrier behind it, in a real browser: somebody falls, a visitor answers, and the console shows it.

Everything between is the real thing: dispatcher, Twilio's SDK over HTTP, signed callbacks at the public listener.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from fakes.brokers import free_port
from fakes.lakeside import Estate, Service, front_door
from playwright.sync_api import Page, expect

from notifier import dispatch
from notifier.carrier.carrier import Carrier
from notifier.carrier.door import Door
from notifier.carrier.phones import Condition
from notifier.dispatch import Dispatcher
from notifier.gateways.model import Gateway
from notifier.gateways.twilio import TwilioGateway, TwilioSettings
from notifier.gateways.twilio_voice import TwilioVoiceGateway
from rules.kinds import EventKind
from web.public import create_app as create_public
from web.service import create_app

ANNA = "+14155550100"
LEI = "+8613800000001"


@dataclass
class Playing:
    """The estate, played on a fake carrier's phones."""

    estate: Estate
    carrier: Carrier
    url: str

    def falls(self) -> None:
        self.estate.now_ns = time.time_ns()
        self.estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97)
        self.estate.pass_s(40)


@pytest.fixture
def playing(estate: Estate) -> Iterator[Playing]:
    said = estate.said
    {one["id"]: one for one in said["people"]}["li-anna"]["phone"] = ANNA
    said["policies"] = [{"id": "all", "kinds": ["fall", "sos"], "steps": [{"after_s": 0, "tell": ["wang-lei", "li-anna"], "by": ["sms"]}]}]
    estate.now_ns = time.time_ns()
    estate.write(said)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with Carrier(hooks_url=url) as carrier:
        settings = TwilioSettings.from_environment(carrier.environment, public_url=url)
        gateways: list[Gateway] = [TwilioGateway(settings), TwilioVoiceGateway(settings)]
        heard = create_public(estate.database, {one.name: one for one in gateways}, url)
        public = Service(estate.database, time.time_ns, port, app=heard)
        door = Door(carrier.url)
        pages = Service(estate.database, time.time_ns, app=create_app(estate.database, front_door(), carrier=door))
        stop = threading.Event()
        running = threading.Thread(target=dispatch.run, args=(Dispatcher(estate.database, gateways, worker="one"), stop))
        running.start()
        yield Playing(estate=estate, carrier=carrier, url=pages.url)
        stop.set()
        carrier.hush()
        running.join()
        pages.stop()
        public.stop()
        door.close()


Screens = Callable[..., Page]


def opened(page: Page, url: str) -> Page:
    page.goto(url)
    expect(page.locator("#line")).to_have_text(re.compile("Live|实时"))
    return page


def test_somebody_falls_a_visitor_writes_1_back_and_the_console_shows_who_goes(playing: Playing, screen: Screens) -> None:
    console, phones = opened(screen("zh-CN"), playing.url), opened(screen("zh-CN", 390, 844), f"{playing.url}/phones")
    playing.falls()
    anna = phones.locator("#p-li-anna")
    expect(anna.locator(".bubble").first).to_contain_text("may have fallen")
    expect(phones.locator("#p-wang-lei .outcome").first).to_have_text("已送达")
    expect(phones.locator("#p-wang-lei .no-reply")).to_be_visible()
    anna.get_by_label("回复短信").fill("1")
    anna.get_by_label("回复短信").press("Enter")
    expect(anna.locator(".own .bubble")).to_have_text("1")
    expect(console.locator(".card")).to_contain_text("Anna Li去处理了")
    expect(console.locator(".card .told")).to_contain_text("王磊")
    expect(anna.locator(".bubble").first).not_to_have_text("1")  # what they are told back


def test_a_phone_that_is_off_is_called_and_a_key_takes_it_on(playing: Playing, screen: Screens) -> None:
    console, phones = opened(screen(), playing.url), opened(screen(), f"{playing.url}/phones?person=wang-lei")
    phones.get_by_role("button", name="Switched off").click()
    expect(phones.get_by_role("button", name="Switched off")).to_have_attribute("aria-pressed", "true")
    assert playing.carrier.phones.of(LEI).condition is Condition.OFF
    playing.falls()
    expect(phones.locator("#p-wang-lei li.text .outcome")).to_have_text("did not arrive")
    phones.get_by_role("button", name="On", exact=True).click()
    phones.get_by_role("button", name="Answer").click()
    expect(phones.locator(".spoken")).to_contain_text("王秀英")
    phones.get_by_role("button", name=re.compile("^1 ")).click()
    expect(console.locator(".card")).to_contain_text("王磊")
    expect(console.locator(".card .state")).to_contain_text(re.compile("王磊"))


def test_who_cannot_go_says_so_on_their_phone(playing: Playing, screen: Screens) -> None:
    phones = opened(screen(), f"{playing.url}/phones?person=li-anna")
    playing.falls()
    phones.get_by_role("button", name="1 can't").click()
    expect(phones.locator("#p-li-anna .bubble").first).to_contain_text("Noted")


def test_what_a_phone_cannot_do_is_said(playing: Playing, screen: Screens) -> None:
    page = opened(screen(), f"{playing.url}/phones?person=wang-lei")
    answered = page.request.post(
        f"{playing.url}/phones", form={"community": playing.estate.id, "person": "wang-lei", "do": "answer//wang-lei"}
    )
    assert "这部手机现在做不到" in answered.text()


def test_phones_are_shown_as_ever_while_the_carrier_is_away(playing: Playing, screen: Screens) -> None:
    page = opened(screen(), f"{playing.url}/phones?person=wang-lei")
    expect(page.get_by_role("button", name="Switched off")).to_be_visible()
    playing.carrier.door.close()
    page.goto(f"{playing.url}/phones?person=wang-lei")
    expect(page.locator(".phone")).to_contain_text("王磊")
    expect(page.get_by_role("button", name="Switched off")).to_have_count(0)
