"""Labels that both who renders and who watches have to know."""

from collections.abc import Mapping

# On everything that is made, and on its pods and claims: what the operator watches. The value is the name.
MILVUS_LABEL = "glede.io/milvus"
COMPONENT_LABEL = "app.kubernetes.io/component"
# Behind a component's name in that label of its canary and its pods: so the component's own Deployment, its
# autoscaler and its budget do not select them, and the Service, which goes by another label, does.
CANARY_SUFFIX = "-canary"
# The digest of a Deployment's pod template, as it was rendered.
TEMPLATE_ANNOTATION = "glede.io/template"
# On a StatefulSet: with which of our own settings its program was first run. A newer operator leaves it so.
VINTAGE_ANNOTATION = "glede.io/vintage"
# An annotation of a query node's pod: it is to hold nothing.
FENCED = "glede.io/fenced"
GROUP_LABEL = "milvus.io/deployment-group"


def component_of(labels: Mapping[str, str]) -> str:
    """Give the component that an object or pod is of, also where it is of its canary; "" for none."""
    return labels.get(COMPONENT_LABEL, "").removesuffix(CANARY_SUFFIX)


def is_canary(labels: Mapping[str, str]) -> bool:
    """Tell whether an object or pod is of a canary."""
    return labels.get(COMPONENT_LABEL, "").endswith(CANARY_SUFFIX)
