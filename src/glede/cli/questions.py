"""``glede ask`` and ``glede search``."""

from typing import Annotated

import typer
from rich.markup import escape

from glede.cli.client import DEFAULT_URL, Client, JsonOption, UrlOption
from glede.cli.output import console, place_of, print_answer, print_json

TagsOption = Annotated[list[str], typer.Option("--tag", help="Only documents with this tag; repeatable.")]
NOT_FOUND = 3


def ask(
    question: Annotated[str, typer.Argument(help="The question, in any language the documents are in.")],
    tag: TagsOption = [],  # noqa: B006 - typer copies it
    url: UrlOption = DEFAULT_URL,
    json: JsonOption = False,
) -> None:
    """Ask a running service; exit code 3 when the documents do not answer."""
    answer = Client(url).post("/v1/ask", {"question": question, "tags": tag})
    if json:
        print_json(answer)
    else:
        print_answer(question, answer)
    if not answer["found"]:
        raise typer.Exit(NOT_FOUND)


def search(
    query: Annotated[str, typer.Argument(help="Words to look for.")],
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many passages.")] = 10,
    tag: TagsOption = [],  # noqa: B006 - typer copies it
    url: UrlOption = DEFAULT_URL,
    json: JsonOption = False,
) -> None:
    """Search a running service; exit code 3 when nothing is found."""
    found = Client(url).post("/v1/search", {"query": query, "limit": limit, "tags": tag})
    if json:
        print_json(found)
    for rank, hit in enumerate([] if json else found["hits"], start=1):
        heading = " > ".join(hit["heading"])
        console.print(
            f"[bold]{rank}.[/] {escape(place_of(hit))}  [dim]{escape(heading)}  {hit['score']:.3f}[/]"
        )
        console.print(f"   {escape(' '.join(hit['text'].split())[:240])}")
    if not found["hits"]:
        raise typer.Exit(NOT_FOUND)
