"""What somebody chooses in the app, kept or refused."""

from collections.abc import Callable
from typing import Any

from devices.model import HomeId
from store import choices
from store.choices import ChoiceError
from web.api.problems import ProblemError
from web.site import Site
from web.who import Who
from web.words import Notice


def keep(site: Site, who: Who, change: Callable[[dict[str, Any]], None], *, home: HomeId | None = None) -> None:
    """Keep what somebody chose for themselves, or for a home: it holds from now on.

    Raises
    ------
    ProblemError
        It will not do; nothing was written.
    """
    try:
        with site.database.write() as session:
            choices.choose(session, who.community_id, who.id, change, site.clock(), home=home)
    except ChoiceError:
        raise ProblemError(422, Notice.REFUSED) from None
