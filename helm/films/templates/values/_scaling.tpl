{{- /* Checks of names, the number of pods, and the connection budget. */ -}}

{{- define "films.checks.names" -}}
{{- $name := include "films.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$" $name) }}
{{ ternary "fullnameOverride" "release name" (not (empty .Values.fullnameOverride)) }}: found {{ $name }}, expected at most 40 lower-case letters, digits and hyphens that begin with a letter and end with a letter or digit, because Services have this name. Choose another release name or set fullnameOverride
{{- end }}
{{- range $key, $_ := .Values.commonLabels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|component|version|managed-by)|helm\\.sh/chart)$" $key }}
commonLabels.{{ $key }}: found a label that the chart sets, expected any other. Remove the label
{{- end }}
{{- end }}
{{- end -}}

{{- define "films.checks.scaling" -}}
{{- $rollout := .Values.rollingUpdate }}
{{- if and (has (toString $rollout.maxUnavailable) (list "0" "0%")) (has (toString $rollout.maxSurge) (list "0" "0%")) }}
rollingUpdate: found 0 for both maxSurge and maxUnavailable, expected at least one above 0, because a rollout could not replace any pod. Raise one of them
{{- end }}
{{- with .Values.autoscaling }}
{{- if .enabled }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
autoscaling.minReplicas: found {{ .minReplicas }}, expected at most autoscaling.maxReplicas, which is {{ .maxReplicas }}. Lower minReplicas or raise maxReplicas
{{- end }}
{{- $resources := $.Values.resources | default dict }}
{{- $cpu := dig "requests" "cpu" (dig "limits" "cpu" nil $resources) $resources }}
{{- if and (eq .metric "cpu") (kindIs "invalid" $cpu) }}
resources.requests.cpu: found nothing, expected a quantity while autoscaling.metric is cpu, because the utilization is a percentage of the request. Set the request or choose another metric
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "films.checks.budget" -}}
{{- $budget := include "films.budget" . | fromJson }}
{{- $most := include "films.share" . | int }}
{{- $chosen := dig "database" "pool_size" nil .Values.config }}
{{- if lt $most 1 }}
postgres.maxConnections: found {{ int .Values.postgres.maxConnections }}, expected at least one connection for each pod: {{ $budget.availableText }}, but {{ $budget.sharesText }}. Raise postgres.maxConnections or lower the number of pods
{{- else if gt (int $chosen) $most }}
config.database.pool_size: found {{ int $chosen }}, expected at most {{ $most }}: {{ $budget.availableText }}, shared by {{ $budget.sharesText }}. Lower config.database.pool_size or the number of pods, or raise postgres.maxConnections
{{- end }}
{{- end -}}
