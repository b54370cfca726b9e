{{- /* Checks of the Collector: where its data comes from and where it goes to. */ -}}
{{- define "films.checks.collector" -}}
{{- if .Values.collector.enabled }}
{{- $exporters := dig "service" "pipelines" "traces" "exporters" nil .Values.collector.config }}
{{- if not (or .Values.jaeger.enabled .Values.collector.endpoint $exporters) }}
collector.endpoint: found nothing, expected an OTLP endpoint while jaeger.enabled is false, because the Collector only passes traces on. Set collector.endpoint, or set jaeger.enabled to true
{{- end }}
{{- if .Values.otel.endpoint }}
otel.endpoint: found {{ .Values.otel.endpoint }}, expected nothing while collector.enabled is true, because the service sends everything to the Collector. Set collector.endpoint instead
{{- end }}
{{- end }}
{{- end -}}
