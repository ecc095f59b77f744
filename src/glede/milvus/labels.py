"""Labels that both who renders and who watches have to know."""

# On everything that is made, and on its pods and claims: what the operator watches. The value is the name.
MILVUS_LABEL = "glede.io/milvus"
COMPONENT_LABEL = "app.kubernetes.io/component"
# The digest of a Deployment's pod template, as it was rendered.
TEMPLATE_ANNOTATION = "glede.io/template"
# An annotation of a query node's pod: it is to hold nothing.
FENCED = "glede.io/fenced"
GROUP_LABEL = "milvus.io/deployment-group"
