"""A Markdown source as one self-contained HTML page: no script, no font, no image from elsewhere."""

from __future__ import annotations

from string import Template

from markdown_it import MarkdownIt

PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.55 system-ui, sans-serif; color: #1c2733; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.9rem; line-height: 1.2; }
h2 { font-size: 1.25rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
th, td { border: 1px solid #b9c3cd; padding: 0.35rem 0.55rem; text-align: left; vertical-align: top; }
th { background: #eef2f6; }
pre { background: #eef2f6; padding: 0.7rem; overflow-x: auto; font-size: 0.85rem; }
footer { margin-top: 3rem; font-size: 0.8rem; color: #566573; }
</style>
</head>
<body>
<main>
$body</main>
<footer>Milvus on Kubernetes: operations handbook</footer>
</body>
</html>
""")


def html_bytes(source: str) -> bytes:
    """The page in UTF-8; its title is the first heading. ValueError when there is none."""
    markdown = MarkdownIt("commonmark").enable("table")
    first, _, _ = source.partition("\n")
    if not first.startswith("# "):
        raise ValueError(f"HTML source: first line is {first!r}, expected a heading '# Title'")
    return PAGE.substitute(title=first[2:], body=markdown.render(source)).encode()
