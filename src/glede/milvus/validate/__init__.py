"""What is wrong in a manifest that could be read, told without a webhook. Pure.

What is wrong in ``spec.dependencies`` is told by ``glede.milvus.dependencies``, which reads it.
"""

from glede.api.milvus.spec import Milvus
from glede.milvus.facts import Facts
from glede.milvus.resolved import Problem
from glede.milvus.validate.canarysearch import check_canary_search
from glede.milvus.validate.changes import Before, changes
from glede.milvus.validate.clash import clash
from glede.milvus.validate.components import check_components
from glede.milvus.validate.findings import Findings
from glede.milvus.validate.secrets import check_secrets
from glede.milvus.validate.settings import check_settings
from glede.milvus.validate.whole import (
    check_annotations,
    check_fields,
    check_name,
    check_presence,
    check_rollout,
    check_version,
)
from glede.milvus.validate.windows import check_windows
from glede.milvus.versions import image_of, parse_version

__all__ = ["Before", "changes", "clash", "problems"]


def problems(milvus: Milvus, facts: Facts) -> list[Problem]:
    """Give what is wrong in a manifest, and in the Secrets that it names."""
    findings = Findings()
    components = milvus.spec.components
    version = parse_version(components.version, image_of(components.image, facts.images))
    check_name(milvus, findings)
    check_version(milvus, version, findings)
    check_fields(milvus, findings)
    check_presence(milvus, version, findings)
    check_annotations(milvus, findings)
    check_rollout(milvus, version, findings)
    check_windows(milvus, findings)
    check_components(milvus, findings)
    check_settings(milvus, findings)
    check_secrets(milvus, facts, findings)
    check_canary_search(milvus, facts, findings)
    return findings.problems
