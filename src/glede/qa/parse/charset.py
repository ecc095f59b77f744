"""The character encoding of a text file: by its mark, else UTF-8, else by what reads as language.

GB18030 and Big5 accept nearly each other's bytes, so validity does not tell them apart; the share of
each script's most frequent characters does, since it is a third of real text and next to nothing in
text decoded wrongly.
"""

import codecs
from collections.abc import Callable

from charset_normalizer import from_bytes

SAMPLE_BYTES = 256 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HAN_BOTH = (
    "的一是不了在人有我他中大上以到和地子你可以出也能生自之年作方成分心天下文道日理又三事本其前最高明行"
    "如知正新公平化四因此好用同法性工得度然本力量水名十二小多使及主要定全部合外世月位由外老己意家入特此每相者"
    "但或被表示完立提供必任接件存目向何只取示列式例即值型格"
)
_SIMPLIFIED = frozenset(
    _HAN_BOTH + "这个们来为国说时会对过发后里学于动开进种现经业电间长问实应门无机关将华从该处务点体数据统设"
    "网络库节软件联习书产内线总结条认识别显过还没样车见东让给义儿气"
)
_TRADITIONAL = frozenset(
    _HAN_BOTH + "這個們來為國說時會對過發後裡學於動開進種現經業電間長問實應門無機關將華從該處務點體數據統設"
    "網絡庫節軟件聯習書產內線總結條認識別顯還沒樣車見東讓給義兒氣"
)
_HANGUL = frozenset("이다는의에을가고하한지로은를기도서사시인대그리어아정자수있나일보것게")
_CJK_THRESHOLD = 0.12
_KANA_THRESHOLD = 0.2
_LATIN = (
    ("cp1252", frozenset("àâäáãåæçéèêëíìîïñóòôöõøœúùûüýÿßÀÂÄÁÅÆÇÉÈÊËÍÎÑÓÔÖØÚÙÜŒ¡¿«»“”‘’–—…•€°£\xa0")),
    ("cp1250", frozenset("ąćęłńóśźżáčďéěíňřšťúůýžőöűüäôĺľŕăâîşţßĄĆĘŁŃÓŚŹŻČĎĚŇŘŠŤŮŽŐÖŰÜÁÉÍ“”‘’„–—…\xa0")),
)
# Rarer encodings are left out of the detector's list: they win by accident on short texts.
_OTHER_SCRIPTS = frozenset(
    {"cp1251", "koi8_r", "koi8_u", "iso8859_5", "cp1253", "iso8859_7", "cp1255", "cp1256", "tis_620"}
)

# The labels that web pages use for a smaller set than what their authors write.
_ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
}
_LANGUAGES: tuple[tuple[str, Callable[[str], bool], float], ...] = (
    ("gb18030", _SIMPLIFIED.__contains__, _CJK_THRESHOLD),
    ("gb18030", _TRADITIONAL.__contains__, _CJK_THRESHOLD),
    ("big5hkscs", _TRADITIONAL.__contains__, _CJK_THRESHOLD),
    ("cp932", lambda char: "\u3041" <= char <= "\u30fe", _KANA_THRESHOLD),
    ("euc_jp", lambda char: "\u3041" <= char <= "\u30fe", _KANA_THRESHOLD),
    ("cp949", _HANGUL.__contains__, _CJK_THRESHOLD),
)


def decode(data: bytes, declared: str = "") -> str:
    """Return the text of ``data``; ``declared`` is the encoding that the document itself names, if any.

    Bytes that do not fit the encoding become U+FFFD: a text is never refused for its encoding.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace")
    named = _known(declared)
    if named and _reads(data, named) is not None:
        return data.decode(named, "replace")
    wide = _wide(data)
    if wide:
        return data.decode(wide, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        # One damaged character in a long UTF-8 text must not turn the rest into mojibake.
        if _mostly_utf8(data, error):
            return data.decode("utf-8", "replace")
    return data.decode(_detect(data[:SAMPLE_BYTES]), "replace")


def _known(label: str) -> str:
    label = label.strip().lower().strip("\"'")
    name = _ALIASES.get(label, label)
    try:
        return codecs.lookup(name).name if name.isascii() and name else ""
    except (LookupError, ValueError):
        return ""


def _reads(data: bytes, encoding: str) -> str | None:
    """Return a sample of ``data`` decoded strictly, or None; a character cut at its end is forgiven."""
    try:
        decoder = codecs.getincrementaldecoder(encoding)("strict")
        sample = data[:SAMPLE_BYTES]
        return str(decoder.decode(sample, len(sample) == len(data)))
    except (UnicodeError, LookupError, TypeError, AssertionError):
        return None


def _wide(data: bytes) -> str:
    """Recognise UTF-16 without a mark by the zero bytes of its ASCII characters."""
    sample = data[:SAMPLE_BYTES]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 5 < len(sample) // 2 or min(even, odd) * 20 > max(even, odd):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _mostly_utf8(data: bytes, error: UnicodeDecodeError) -> bool:
    text = data[:SAMPLE_BYTES].decode("utf-8", "replace")
    lost = text.count("\ufffd")
    return error.start > 0 and lost * 50 < sum(char > "\x7f" for char in text)


def _detect(sample: bytes) -> str:
    best, best_score = "", 0.0
    for encoding, common, threshold in _LANGUAGES:
        text = _reads(sample, encoding)
        foreign = [char for char in text or "" if char > "\x7f" and not _is_punctuation(char)]
        if not foreign:
            continue
        score = sum(map(common, foreign)) / len(foreign)
        if score >= threshold and score > best_score:
            best, best_score = encoding, score
    if best:
        return best
    guess = from_bytes(sample, steps=5, chunk_size=2048, threshold=0.3).best()
    if guess is not None and guess.encoding in _OTHER_SCRIPTS:
        return str(guess.encoding)
    return _latin(sample)


def _latin(sample: bytes) -> str:
    """Tell Western from Central European by the letters that the non-ASCII bytes would be."""
    best, best_score = "latin-1", 0.0
    for encoding, letters in _LATIN:
        foreign = [char for char in _reads(sample, encoding) or "" if char > "\x7f"]
        score = sum(char in letters for char in foreign) / max(len(foreign), 1)
        if score > best_score:
            best, best_score = encoding, score
    return best


def _is_punctuation(char: str) -> bool:
    return "\u2000" <= char <= "\u206f" or "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uff65"
