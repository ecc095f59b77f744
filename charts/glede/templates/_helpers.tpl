{{- define "glede.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "glede.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "glede.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "glede.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "glede.selectorLabels" -}}
app.kubernetes.io/name: {{ include "glede.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels of every object but the pods of `helm test`, which no selector here may take for operators. */}}
{{- define "glede.labels" -}}
{{ include "glede.selectorLabels" . }}
{{ include "glede.releaseLabels" . }}
{{- end }}

{{- define "glede.releaseLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "glede.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "glede.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Takes (list image-values app-version). */}}
{{- define "glede.image" -}}
{{- $image := index . 0 }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default (index . 1) $image.tag) }}
{{- end }}
{{- end }}

{{- define "glede.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "glede.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* What the operator may do in a namespace with Milvus in it. Server-side apply takes patch, and create for what is not there yet. */}}
{{- define "glede.namespacedRules" -}}
- apiGroups: [milvus.io]
  resources: [milvuses]
  verbs: [get, list, watch, patch]
- apiGroups: [milvus.io]
  resources: [milvuses/status]
  verbs: [patch]
# For owner references that block the owner's deletion, where the API server insists on it.
- apiGroups: [milvus.io]
  resources: [milvuses/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [configmaps, services, persistentvolumeclaims]
  verbs: [get, list, watch, create, patch, delete]
# The credentials of the dependencies that the operator sets up are Secrets that it writes. Those of users it gets
# by the names in their manifests, to probe what they name. It lists and watches metadata only, to roll the pods
# that use a changed Secret; RBAC knows no narrower verb for that.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, delete]
# Members of etcd, the store and Kafka take a new template one at a time: by eviction, so that no drain takes another
# in the same second, and by deletion where the manifest's budget never lets one go.
- apiGroups: [""]
  resources: [pods/eviction]
  verbs: [create]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
