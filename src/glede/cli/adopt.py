"""``glede adopt``: taking over a Milvus from milvus-operator, while it serves."""

from typing import Annotated

import typer

from glede.cli.adopting import carry_out
from glede.cli.cluster import Cluster, ContextOption, KubeconfigOption, NamespaceOption, run
from glede.cli.output import CommandError
from glede.cli.surroundings import found_of, obstacles, refusal_of_write
from glede.kube.objects import Key
from glede.milvus.takeover import Move, move_of
from glede.milvus.takeover.words import lines_of

REFUSED = 1


def adopt(
    name: Annotated[str, typer.Argument(help="The Milvus.", show_default=False)],
    namespace: NamespaceOption = "",
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and change nothing.")
    ] = False,
    flushed: Annotated[
        bool,
        typer.Option("--flushed", help="You have flushed what a log without a volume holds."),
    ] = False,
    operator_namespace: Annotated[
        str,
        typer.Option(help="Look for milvus-operator in this namespace only.", show_default="all"),
    ] = "",
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the operator.")] = 1800.0,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Take over a Milvus and its objects from milvus-operator, which is stopped. It serves meanwhile.

    What ended halfway is gone on with when it is run again. Exit code 1 where the move is refused.
    """

    async def work(cluster: Cluster) -> None:
        found = await found_of(cluster, Key(namespace or cluster.namespace, name))
        move = move_of(found, flushed=flushed)
        if move.needed:
            more = [*await obstacles(cluster, move, operator_namespace), *move.refusals]
            if not more and (refusal := await refusal_of_write(cluster, move)):
                more.append(refusal)
            move = move.with_refusals(more)
        for line in lines_of(move):
            print(line)
        _check(move)
        if not dry_run:
            await carry_out(cluster, move, timeout)

    run(work, kubeconfig, context)


def _check(move: Move) -> None:
    if move.refusals:
        count = len(move.refusals)
        reasons = f"{count} reason{'s' if count > 1 else ''}"
        raise CommandError(f"refused for {reasons}, told above; nothing was changed", REFUSED)
