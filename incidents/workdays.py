"""Which days are worked in a country: public holidays, weekends, and the weekend days that make up for them (调休).

The days are data: the tables of the library `holidays`, which for China are those of the State Council's notices.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache

import holidays

_DECREED_YEARLY = frozenset({"CN"})
"""Countries that move working days every year, by a notice of late autumn: a year without any is one that is not known yet."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of one country.

    Parameters
    ----------
    country
        ISO 3166-1 alpha-2, such as CN. Holidays of its regions are not among them.
    """

    country: str

    @property
    def is_known(self) -> bool:
        """Whether there is a table for this country."""
        try:
            holidays.country_holidays(self.country)
        except NotImplementedError:
            return False
        return True

    @property
    def weekend(self) -> frozenset[int]:
        """Days of the week off, as `date.weekday` counts them: Saturday and Sunday in most countries."""
        return frozenset(holidays.country_holidays(self.country).weekend)

    def is_workday(self, day: date) -> bool:
        """Neither a public holiday nor a weekend day, unless that is one that makes up for a holiday."""
        return _table(self.country, day.year).is_working_day(day)

    def is_arranged(self, year: int) -> bool:
        """Whether the moved days of a year are known.

        Where not, its holidays are those that the law names, reckoned ahead; bridge days and make-up days are missing.
        """
        return self.country not in _DECREED_YEARLY or any(day.year == year for day in _table(self.country, year).weekend_workdays)


@cache
def _table(country: str, year: int) -> holidays.HolidayBase:
    """The days of a year; the next year's are read too, because its notice may move the end of December."""
    return holidays.country_holidays(country, years=(year, year + 1), expand=False)
