{{- /* Checks of the alerts: values with which an alert could never fire, or would always fire. */ -}}

{{- define "films.checks.monitoring" -}}
{{- $monitoring := .Values.monitoring }}
{{- range $key := list "availability" "latency" }}
{{- /* With --set, Helm reads 99.95 as text and 99 as an integer. */}}
{{- $objective := get $monitoring.objectives $key | float64 }}
{{- if or (lt $objective 93.1) (ge $objective 100.0) }}
monitoring.objectives.{{ $key }}: found {{ $objective }}, expected at least 93.1 and less than 100, because the fastest alert fires at 14.4 times the part that the objective leaves for errors. Correct the percentage
{{- end }}
{{- end }}
{{- range $name, $windows := $monitoring.burnRates }}
{{- if ge (include "films.milliseconds" $windows.short | int64) (include "films.milliseconds" $windows.long | int64) }}
monitoring.burnRates.{{ $name }}.short: found {{ $windows.short }}, expected less than monitoring.burnRates.{{ $name }}.long, which is {{ $windows.long }}, because the short window ends the alert soon after its cause. Change one of the two
{{- end }}
{{- end }}
{{- if ge (include "films.milliseconds" $monitoring.alerts.writerWaits.threshold | int64) 10000 }}
monitoring.alerts.writerWaits.threshold: found {{ $monitoring.alerts.writerWaits.threshold }}, expected less than 10s, because batch_wait_seconds does not distinguish longer waits. Lower the threshold
{{- end }}
{{- if and .Values.serviceMonitor.enabled (or .Values.prometheusRule.enabled $monitoring.rulesConfigMap.enabled) }}
{{- include "films.checks.windows" . }}
{{- end }}
{{- end -}}

{{- /* A rate and a change need two samples in their window. */ -}}
{{- define "films.checks.windows" -}}
{{- $interval := include "films.milliseconds" .Values.serviceMonitor.interval | int64 }}
{{- $windows := dict }}
{{- range $name, $pair := .Values.monitoring.burnRates }}
{{- $_ := set $windows (printf "burnRates.%s.short" $name) $pair.short }}
{{- end }}
{{- range $name, $alert := .Values.monitoring.alerts }}
{{- with $alert.window }}
{{- $_ := set $windows (printf "alerts.%s.window" $name) . }}
{{- end }}
{{- end }}
{{- range $key, $window := $windows }}
{{- if lt (include "films.milliseconds" $window | int64) (mul 2 $interval) }}
monitoring.{{ $key }}: found {{ $window }}, expected at least twice serviceMonitor.interval, which is {{ $.Values.serviceMonitor.interval }}, because the alert compares two samples. Change one of the two
{{- end }}
{{- end }}
{{- $flaps := .Values.monitoring.alerts.readinessFlaps }}
{{- $most := sub (div (include "films.milliseconds" $flaps.window | int64) $interval) 1 }}
{{- if and (ge (int64 $flaps.changes) $most) (gt $most 0) }}
monitoring.alerts.readinessFlaps.changes: found {{ int $flaps.changes }}, expected less than {{ $most }}, the most changes that Prometheus sees in {{ $flaps.window }} with serviceMonitor.interval {{ $.Values.serviceMonitor.interval }}. Lower changes, or lengthen the window
{{- end }}
{{- end -}}
