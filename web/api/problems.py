"""That something was not done."""

from web.words import Notice


class ProblemError(Exception):
    """Something was not done: with which HTTP status, and why. The API answers it as a `Problem`."""

    def __init__(self, status: int, notice: Notice) -> None:
        super().__init__(notice)
        self.status, self.notice = status, notice
