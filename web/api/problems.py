"""That something was not done."""

from web.words import Notice


class ProblemError(Exception):
    """Something was not done: with which HTTP status, and why. The API answers it as a `Problem`.

    Parameters
    ----------
    words
        In the place of the notice's own, where more can be said.
    """

    def __init__(self, status: int, notice: Notice, words: str = "") -> None:
        super().__init__(notice)
        self.status, self.notice, self.words = status, notice, words
