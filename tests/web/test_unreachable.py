"""The console says who cannot be told as the community's file says."""

import pytest
from fakes.lakeside import LAKESIDE, Estate
from fakes.reading import Asking, text

from incidents.directory import Channel
from store import contacts
from store.contacts import ContactState, Known
from store.estates import Estates


@pytest.mark.parametrize(
    ("state", "lang", "line"),
    [
        (ContactState.BROKEN, "zh", "联系不上，请核对联系方式：王磊（短信无法送达）"),
        (ContactState.BROKEN, "zh-Hant", "聯絡不上，請核對聯絡方式：王磊（短訊無法送達）"),
        (ContactState.OPTED_OUT, "en", "Cannot be reached, check their contacts: 王磊 (opted out of SMS)"),
    ],
)
def test_a_broken_number_stands_on_the_console_until_it_is_put_right(
    client: Asking, estate: Estate, state: ContactState, lang: str, line: str
) -> None:
    def mark(state: ContactState) -> None:
        with estate.database.write() as session:
            person = Estates().community(session, LAKESIDE).directory.people["wang-lei"]
            contacts.mark(session, LAKESIDE, person, Known(channel=Channel.SMS, state=state, since_ns=1))

    assert line not in text(client.get(f"/?lang={lang}"))
    mark(state)
    assert line in text(client.get(f"/?lang={lang}"))
    mark(ContactState.VERIFIED)
    assert line not in text(client.get(f"/?lang={lang}"))
