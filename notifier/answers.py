"""What people write back: a number that says which situation is meant, and a word that says what about it.

`1` and `1 到` acknowledge what has the number 1 on that telephone, `1 误报` calls it a false alarm, `1 去不了` goes on to the next person.
Forgiving: full-width characters, missing spaces, punctuation, small and capital letters and politeness change nothing. What is not
understood is never taken for an acknowledgement.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from incidents.model import Do


class Wish(StrEnum):
    """What somebody wants of us, rather than of a situation."""

    STOP = "stop"
    """No more messages to this telephone."""
    START = "start"
    """Messages again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What was written.

    Attributes
    ----------
    number : int or None
        Which situation; None: none was named.
    do : Do
        What about it.
    """

    number: int | None
    do: Do


_STOP = frozenset(
    ["stop", "stopall", "unsubscribe", "end", "quit", "optout", "revoke", "td", "t", "tt", "退订", "停止", "退订短信", "拒收", "退訂"]
)
"""Twilio's words for it (https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out), and the mainland's: TD, T and 退订."""
_START = frozenset(["start", "unstop", "恢复", "订阅", "重新订阅", "恢復", "訂閱"])

_WORDS: dict[Do, str] = {
    Do.FALSE_ALARM: """
        误报 是误报 误警 错报 虚报 假警报 没事 没事的 没有事 没摔 没有摔倒 不是真的 人没事 平安 wubao wb
        誤報 是誤報 誤警 錯報 虛報 假警報 沒事 沒事的 沒有事 沒跌 沒有跌倒 人沒事
        falsealarm false fa noalarm noproblem allok allfine sheisfine heisfine shesfine hesfine alliswell
    """,
    Do.DECLINE: """
        去不了 不去 我去不了 来不了 我来不了 过不去 没空 不在 我不在 不行 不能去 无法前往 不方便 走不开
        來不了 我來不了 過不去 沒空 無法前往 走不開 去不到
        cant cannot icant icannot no n notme unable busy cantgo cannotgo cantcome icantgo icantcome icannotgo icannotcome
    """,
    Do.ON_SCENE: """
        到了 我到了 已到 已到达 到现场了 我到现场了 在现场 已到现场
        已到達 到現場了 我到現場了 在現場 已到現場
        here imhere iamhere arrived ihavearrived onscene there iamthere imthere
    """,
    Do.ACKNOWLEDGE: """
        到 收到 好 好的 去 我去 我来 来 来了 我去处理 马上到 马上去 马上来 知道了 在路上 是 行 可以 嗯
        我來 來 來了 我去處理 馬上到 馬上去 馬上來 處理
        ok yes y go going imgoing iamgoing onit onmyway omw ihaveit ivegotit gotit mine coming imcoming sure
    """,
}
_OF: dict[str, Do] = {word: do for do, words in _WORDS.items() for word in words.split()}

_NUMBERED = re.compile(r"\W*(\d{1,3})(?!\d)(.*)", re.DOTALL)
_POLITE = ("thankyou", "thanks", "please", "谢谢", "请", "您好", "你好", "謝謝", "請")


def understood(text: str) -> Reply | Wish | None:
    """What a text says; None if that is not clear.

    Examples
    --------
    >>> understood("１　误报。")
    Reply(number=1, do=<Do.FALSE_ALARM: 'false_alarm'>)
    >>> understood("2")
    Reply(number=2, do=<Do.ACKNOWLEDGE: 'acknowledge'>)
    >>> understood("is it true?") is None
    True
    """
    said = _plain(text)
    if said in _STOP:
        return Wish.STOP
    if said in _START:
        return Wish.START
    number = None
    if (found := _NUMBERED.fullmatch(unicodedata.normalize("NFKC", text))) is not None:
        number, said = int(found[1]), _plain(found[2])
        if not said:
            return Reply(number=number, do=Do.ACKNOWLEDGE)
    do = _OF.get(said)
    return None if do is None else Reply(number=number, do=do)


def free_number(taken: frozenset[int]) -> int:
    """The smallest number from 1 that is not taken."""
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def _plain(text: str) -> str:
    """Letters and digits alone, small and of usual width, without politeness."""
    wide = unicodedata.normalize("NFKC", text).casefold()
    said = "".join(char for char in wide if char.isalnum())
    for word in _POLITE:
        said = said.removeprefix(word).removesuffix(word) or said
    return said
