"""How many SMS segments a text takes.

3GPP TS 23.038 (GSM 03.38), section 6.2.1: the 7-bit default alphabet, whose extension table costs an escape besides the character;
one character outside of both makes the whole text UCS-2, counted in UTF-16 units. TS 23.040, section 9.2.3.24.1: the header of a
concatenated message leaves 153 septets or 67 units a segment. An escape or a surrogate pair is never cut in two.
"""

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM7 = BASIC | EXTENSION

GSM_SINGLE, GSM_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67

_LAST_OF_PLANE_0 = "\uffff"


def is_gsm7(text: str) -> bool:
    """Every character stands in the 7-bit default alphabet or its extension table."""
    return _GSM7.issuperset(text)


def utf16_units(text: str) -> int:
    """Length in UTF-16 units: 2 for a character beyond plane 0."""
    return sum(_ucs2_costs(text))


def segments(text: str) -> int:
    """Segments that an SMS of this text takes; 0 for an empty one.

    Examples
    --------
    >>> segments("a" * 160), segments("a" * 161), segments("安" * 70), segments("安" * 71)
    (1, 2, 1, 2)
    """
    if is_gsm7(text):
        costs, single, part = [2 if char in EXTENSION else 1 for char in text], GSM_SINGLE, GSM_PART
    else:
        costs, single, part = _ucs2_costs(text), UCS2_SINGLE, UCS2_PART
    if sum(costs) <= single:
        return 1 if text else 0
    count, left = 1, part
    for cost in costs:
        if cost > left:
            count, left = count + 1, part
        left -= cost
    return count


def _ucs2_costs(text: str) -> list[int]:
    return [2 if char > _LAST_OF_PLANE_0 else 1 for char in text]
