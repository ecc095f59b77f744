"""What is ours in an object, and somebody else who changes it."""

from collections.abc import Callable
from typing import Any

from tests.kube.live import MANAGER

from glede.kube.applied import Owned, owned_digest, project_owned
from glede.kube.objects import Object, Resource

OTHER = "kubectl-edit"
Change = Callable[[Object], Any]


def written_nowhere(_resource: Resource, _obj: Object) -> None:
    """Stand for an informer that has not heard yet."""


def owned(obj: Object) -> Owned:
    return project_owned(MANAGER)(obj)


def digest_of(obj: Object) -> str:
    return owned_digest(obj, MANAGER)
