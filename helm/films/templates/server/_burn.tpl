{{- /* Alerts on the objectives. An alert fires if the error budget is used up too fast in a long window and in a short
one, so that the alert ends soon after its cause. See https://sre.google/workbook/alerting-on-slos/. If there are few
requests, a single failure would be a large share, so the alerts need a minimum rate of requests. */ -}}

{{- /* The share of requests that failed. A viewer that is turned away from the page's events is no failure. Takes a
dict: pods, window. */ -}}
{{- define "films.alerts.failed" -}}
sum(rate(http_server_request_duration_seconds_count{ {{- .pods -}} , http_response_status_code=~"5..", error_type!="too-many-viewers"}[{{ .window }}]))
  / sum(rate(http_server_request_duration_seconds_count{ {{- .pods -}} }[{{ .window }}]))
{{- end -}}

{{- /* The share of requests that took too long, among those that did not fail. Prometheus 3 writes the bound of a
bucket as 1.0, and earlier versions as 1. Takes a dict: pods, window, threshold. */ -}}
{{- define "films.alerts.slow" -}}
{{- $seconds := divf (include "films.milliseconds" .threshold) 1000 | toString -}}
1 - sum(rate(http_server_request_duration_seconds_bucket{ {{- .pods -}} , http_response_status_code!~"5..", le=~"{{ $seconds | replace "." "[.]" }}([.]0)?"}[{{ .window }}]))
  / sum(rate(http_server_request_duration_seconds_count{ {{- .pods -}} , http_response_status_code!~"5.."}[{{ .window }}]))
{{- end -}}

{{- /* Takes a dict: root, pods, runbooks, labels. */ -}}
{{- define "films.alerts.burn" -}}
{{- $monitoring := .root.Values.monitoring -}}
{{- $objectives := $monitoring.objectives -}}
{{- range $name, $factor := dict "fast" 14.4 "medium" 6 "slow" 1 }}
{{- $windows := get $monitoring.burnRates $name }}
{{- $labels := merge (dict "severity" (ternary "warning" "critical" (eq $name "slow")) "burn_rate" (toString $factor)) $.labels | toJson }}
{{- $long := dict "pods" $.pods "window" $windows.long "threshold" $objectives.latencyThreshold }}
{{- $short := merge (dict "window" $windows.short) $long }}
{{- $enough := printf "sum(rate(http_server_request_duration_seconds_count{%s}[%s])) >= %v" $.pods $windows.long (float64 $objectives.minimumRate) }}
{{- $budget := subf 100 $objectives.availability }}
{{- $limit := printf "%v * %v" $factor (divf $budget 100) }}
- alert: FilmsAvailabilityBudgetBurn
  expr: |-
    (
      {{- include "films.alerts.failed" $long | nindent 6 }}
    ) > {{ $limit }}
      and
    (
      {{- include "films.alerts.failed" $short | nindent 6 }}
    ) > {{ $limit }}
      and
    {{ $enough }}
  for: {{ $windows.for }}
  labels: {{ $labels }}
  annotations:
    summary: Requests fail more often than the objective allows.
    description: {{ printf "{{ $value | humanizePercentage }} of the requests of the last %s failed with a 5xx status. The objective allows %v%%." $windows.long $budget | quote }}
    runbook_url: {{ printf "%s/FilmsAvailabilityBudgetBurn.md" $.runbooks | quote }}
{{- $budget = subf 100 $objectives.latency }}
{{- $limit = printf "%v * %v" $factor (divf $budget 100) }}
- alert: FilmsLatencyBudgetBurn
  expr: |-
    (
      {{- include "films.alerts.slow" $long | nindent 6 }}
    ) > {{ $limit }}
      and
    (
      {{- include "films.alerts.slow" $short | nindent 6 }}
    ) > {{ $limit }}
      and
    {{ $enough }}
  for: {{ $windows.for }}
  labels: {{ $labels }}
  annotations:
    summary: Requests are slow more often than the objective allows.
    description: {{ printf "{{ $value | humanizePercentage }} of the requests of the last %s took longer than %s. The objective allows %v%%." $windows.long $objectives.latencyThreshold $budget | quote }}
    runbook_url: {{ printf "%s/FilmsLatencyBudgetBurn.md" $.runbooks | quote }}
{{- end }}
{{- end -}}
