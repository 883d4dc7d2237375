"""Asking the pages without a browser."""

import html
import re

import httpx
from fakes.lakeside import LAKESIDE, Estate

from incidents.model import Incident


class Asking(httpx.Client):
    """Somebody who asks the pages without a browser, in English, and follows no redirect by itself; "" is nobody who is signed in."""

    def __init__(self, url: str, estate: Estate, who: str = "guard-chen") -> None:
        super().__init__(base_url=url, headers={"accept-language": "en"}, trust_env=False)
        self.estate, self.who = estate, ""
        self.be(who)

    def be(self, who: str, *, is_strong: bool = True) -> None:
        """Be somebody else from now on."""
        if who != self.who:
            for cookie in [one for one in self.cookies.jar if one.name not in {"lang", "community"}]:
                self.cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
            self.cookies.update(self.estate.sign_in(who, is_strong=is_strong) if who else {})
            self.who = who


def text(answer: httpx.Response) -> str:
    """What a page says, in one line, without its tags."""
    assert answer.status_code == 200, answer.text
    main = re.search(r"<body>(.*)</body>", answer.text, re.DOTALL)
    assert main
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main[1])).split())


def answer(client: httpx.Client, said: httpx.Response) -> str:
    """What the page says that answers a form."""
    assert said.status_code == 303, said.text
    return text(client.get(said.headers["location"]))


def path(incident: Incident) -> str:
    return f"/incidents/{LAKESIDE}/{incident.id}"


def act(client: Asking, do: str, incident: Incident, by: str = "guard-chen", **more: str) -> httpx.Response:
    client.be(by)
    return client.post("/acts", data={"community": LAKESIDE, "act": f"{do}/{incident.id}", **more})
