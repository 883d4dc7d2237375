"""What every test runs under."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # how long an example takes says nothing about whether it is right
settings.load_profile("untimed")
