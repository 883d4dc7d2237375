"""What people read and hear: one text for a duty, in the recipient's language, in at most two SMS segments."""

from notifier.messages.segments import segments
from notifier.messages.text import Answering, Button, buttons, code_words, letter_words, render, render_bundle, test_words
from notifier.messages.wording import Letter

__all__ = ["Answering", "Button", "Letter", "buttons", "code_words", "letter_words", "render", "render_bundle", "segments", "test_words"]
