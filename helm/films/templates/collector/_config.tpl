{{- /* The configuration of the Collector: the part that the chart decides, with `collector.config` over it. */ -}}
{{- define "films.collectorConfig" -}}
{{- merge (dict) .Values.collector.config (include "films.collectorDefaults" . | fromYaml) | toYaml -}}
{{- end -}}

{{- /* Time from the first span of a trace to the decision. A span is exported after its end: the span of a query
can arrive while its request runs on until the timeout, and the service exports spans every 5 s. */ -}}
{{- define "films.decisionWait" -}}
{{- add (include "films.milliseconds" .Values.config.http.request_timeout) 5000 -}}ms
{{- end -}}

{{- /* Jaeger accepts only traces. The debug exporter writes a count of what arrived to the log of the Collector, because
a pipeline needs an exporter. */ -}}
{{- define "films.collectorDefaults" -}}
{{- $traces := list -}}
{{- $others := list "debug" -}}
{{- if .Values.jaeger.enabled -}}
{{- $traces = append $traces "otlp_http/jaeger" -}}
{{- end -}}
{{- if .Values.collector.endpoint -}}
{{- $traces = append $traces "otlp_http" -}}
{{- $others = list "otlp_http" -}}
{{- end -}}
extensions:
  health_check:
    endpoint: 0.0.0.0:13133
receivers:
  otlp:
    protocols:
      grpc: { endpoint: 0.0.0.0:4317 }
      http: { endpoint: 0.0.0.0:4318 }
processors:
  # The percentages are of the memory limit of the container.
  memory_limiter:
    check_interval: 1s
    limit_percentage: 80
    spike_limit_percentage: 20
  # A trace is stored if one of the policies selects it.
  tail_sampling:
    decision_wait: {{ include "films.decisionWait" . }}
    num_traces: {{ int64 .Values.collector.maxTraces }}
    # A client may send several requests in one trace. Requests after the decision follow it if it was to store the
    # trace. Otherwise the Collector decides again, so that no error is lost.
    decision_cache: { sampled_cache_size: {{ int64 .Values.collector.maxTraces }} }
    policies:
      - { name: errors, type: status_code, status_code: { status_codes: [ERROR] } }
      - { name: slow, type: latency, latency: { threshold_ms: {{ include "films.milliseconds" .Values.collector.slow }} } }
      - { name: others, type: probabilistic, probabilistic: { sampling_percentage: {{ .Values.collector.sampledPercentage }} } }
  batch: {}
exporters:
  {{- if .Values.jaeger.enabled }}
  otlp_http/jaeger:
    endpoint: http://{{ include "films.fullname" . }}-jaeger:4318
  {{- end }}
  {{- with .Values.collector.endpoint }}
  otlp_http:
    endpoint: {{ quote . }}
  {{- else }}
  debug: {}
  {{- end }}
service:
  extensions: [health_check]
  pipelines:
    traces: { receivers: [otlp], processors: [memory_limiter, tail_sampling, batch], exporters: {{ toJson $traces }} }
    metrics: { receivers: [otlp], processors: [memory_limiter, batch], exporters: {{ toJson $others }} }
    logs: { receivers: [otlp], processors: [memory_limiter, batch], exporters: {{ toJson $others }} }
{{- end -}}
