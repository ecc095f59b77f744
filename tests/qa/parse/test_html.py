from pathlib import Path

import pytest
from tests.qa.parse.documents import read, refused, save

from glede.qa.parse import BlockKind, PageKind

PAGE = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>Kites &amp; hawks</title>
<style>p { color: red }</style><script>var secret = 1;</script></head><body>
<header><a href="/">Home</a></header><nav><ul><li>Menu</li></ul></nav>
<h1>Birds<a class="headerlink" href="#b">¶</a></h1>
<p>Kites <b>soar</b> over
the fields.<br>Hawks dive.</p>
<h3>Sizes</h3>
<ul><li>small<ol><li>red kite</li><li>black kite</li></ol></li><li>large</li></ul>
<table><thead><tr><th>Bird</th><th>Span</th></tr></thead>
<tr><td>Kite</td><td>1.7
m</td></tr></table>
<pre><code>def soar():
    return <span>True</span></code></pre>
<p style="display:none">unseen</p>
<h2>中文</h2><p>向量数据库支持近似
最近邻搜索，适合 Milvus
用户。</p>
<footer>Copyright</footer></body></html>"""


def test_what_a_reader_sees(tmp_path: Path) -> None:
    document = read(save(tmp_path / "birds.html", PAGE))

    assert (document.info.title, document.info.page_kind) == ("Kites & hawks", PageKind.SECTION)
    assert [(block.kind, text) for text, block in document.blocks()] == [
        (BlockKind.HEADING, "Birds"),
        (BlockKind.TEXT, "Kites soar over the fields.\nHawks dive."),
        (BlockKind.HEADING, "Sizes"),
        (BlockKind.LIST, "- small\n  1. red kite\n  2. black kite\n- large"),
        (BlockKind.TABLE, "Bird | Span\nKite | 1.7 m"),
        (BlockKind.CODE, "def soar():\n    return True"),
        (BlockKind.HEADING, "中文"),
        (BlockKind.TEXT, "向量数据库支持近似最近邻搜索，适合 Milvus 用户。"),
    ]


def test_heading_paths_and_sections(tmp_path: Path) -> None:
    document = read(save(tmp_path / "birds.htm", PAGE))

    assert [page.label for page in document.pages] == ["Birds", "中文"]
    assert document.path_of("red kite") == ("Birds", "Sizes")
    assert document.path_of("最近邻") == ("Birds", "中文")
    assert document.blocks(BlockKind.TABLE)[0][1].header == "Bird | Span"


@pytest.mark.parametrize("encoding", ["gb2312", "big5", "utf-16", "shift_jis", "windows-1251"])
def test_declared_charset(tmp_path: Path, encoding: str) -> None:
    words = {"windows-1251": "Красный коршун", "big5": "資料庫的檢索", "shift_jis": "データベースの検索"}
    text = words.get(encoding, "数据库的检索")
    page = f'<html><head><meta http-equiv="Content-Type" content="text/html; charset={encoding}"></head>'
    document = read(save(tmp_path / "page.html", f"{page}<body><p>{text}</p></body></html>".encode(encoding)))

    assert document.text == text


def test_entities_of_a_doctype_are_not_expanded(tmp_path: Path) -> None:
    bomb = (
        '<!DOCTYPE html [<!ENTITY a "kitekitekite"><!ENTITY b "&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
        "<html><body><p>before &b; &x; after</p></body></html>"
    )
    texts = read(save(tmp_path / "bomb.html", bomb)).texts()

    assert texts[-1] == "before &b; &x; after"
    assert not any("kitekite" in text or "root:" in text for text in texts)


def test_deeply_nested_markup(tmp_path: Path) -> None:
    page = "<html><body>" + "<div><ul><li>" * 20_000 + "deep kite" + "</body></html>"

    code_or_text = _read_or_refuse(save(tmp_path / "deep.html", page))

    assert code_or_text in ("damaged", "no_text") or "deep kite" in code_or_text


def _read_or_refuse(path: Path) -> str:
    try:
        return read(path).text
    except Exception as error:
        return str(getattr(error, "code", error))


def test_only_boilerplate_is_better_than_nothing(tmp_path: Path) -> None:
    page = "<html><body><nav><p>Index of kites</p></nav></body></html>"

    assert read(save(tmp_path / "index.html", page)).text == "Index of kites"


def test_no_text(tmp_path: Path) -> None:
    path = save(tmp_path / "app.html", "<html><body><script>render()</script></body></html>")

    assert refused(path)[0] == "no_text"
