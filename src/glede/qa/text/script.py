"""Which writing system a text uses: it decides the tokens and whether an embedder understands it."""

import re
from typing import Literal

Script = Literal["latin", "cjk"]

# Han with its extensions and compatibility forms, kana, bopomofo, hangul: written without spaces
# between words (or, for hangul, searched well enough by bigrams).
CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u312f\u3131-\u318e\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
_CJK = re.compile(f"[{CJK}]")
_LETTER = re.compile(r"[^\W\d_]")


def question_script(question: str) -> Script:
    """Tell ``cjk`` for a question with any CJK character: its words say little to a Latin-only model.

    "Debian 是什么" is a Chinese question, although most of its letters are Latin.
    """
    return "cjk" if _CJK.search(question) else "latin"


def dominant_script(text: str) -> Script:
    """Tell ``cjk`` when at least a fifth of the letters are CJK, else ``latin``.

    A CJK character carries about as much as half a Latin word, so a fifth of the characters is
    already about half of the words.
    """
    cjk = len(_CJK.findall(text))
    if not cjk:
        return "latin"
    letters = len(_LETTER.findall(text))
    return "cjk" if cjk * 5 >= letters else "latin"
