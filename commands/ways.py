"""The ways to people that an installation has, by its settings: gateways, routes, what may be spent."""

import os

from notifier.gateways import setup
from notifier.gateways.model import Gateway
from notifier.routing import Route
from notifier.spending import MICRO, Price, Spending
from store.settings import Settings


def gateways_of(settings: Settings) -> list[Gateway]:
    """Its gateways, with what the environment says of them."""
    return setup.made(settings.gateway, os.environ, public_url=settings.public_url, state=settings.state)


def routes_of(settings: Settings) -> list[Route]:
    """What is to go by which gateway."""
    return [
        Route(
            gateway=one.gateway,
            channels=frozenset(one.channels),
            prefix=one.prefix,
            languages=frozenset(one.languages),
            severities=frozenset(one.severities),
        )
        for one in settings.route
    ]


def spending_of(settings: Settings) -> Spending:
    """What messages cost, and what each community may spend."""
    prices = [Price(gateway=one.gateway, prefix=one.prefix, each_micro=round(one.each * MICRO)) for one in settings.price]
    return Spending(prices=prices, quotas_micro={name: round(most * MICRO) for name, most in settings.quota.items()})
