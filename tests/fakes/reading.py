"""Asking the pages without a browser."""

import html
import re

import httpx
from fakes.lakeside import LAKESIDE

from incidents.model import Incident


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


def act(client: httpx.Client, do: str, incident: Incident, by: str = "guard-chen", **more: str) -> httpx.Response:
    return client.post("/acts", data={"community": LAKESIDE, "by": by, "act": f"{do}/{incident.id}", **more})


def is_me(client: httpx.Client, person: str) -> None:
    """Whoever asks said before who they are."""
    client.cookies.set(f"me-{LAKESIDE}", person)
