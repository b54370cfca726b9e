{{- /* The OTEL_* environment variables. Those in otel.env override those that the chart sets. */ -}}
{{- define "films.otelEnv" -}}
{{- $variables := dict -}}
{{- with .Values.otel.endpoint -}}
{{- $_ := set $variables "OTEL_EXPORTER_OTLP_ENDPOINT" . -}}
{{- end -}}
{{- if .Values.collector.enabled -}}
{{- $protocol := get .Values.otel.env "OTEL_EXPORTER_OTLP_PROTOCOL" | default "http/protobuf" -}}
{{- $port := ternary 4317 4318 (eq $protocol "grpc") -}}
{{- $_ := set $variables "OTEL_EXPORTER_OTLP_ENDPOINT" (printf "http://%s-collector:%d" (include "films.fullname" .) $port) -}}
{{- $_ := set $variables "OTEL_EXPORTER_OTLP_PROTOCOL" $protocol -}}
{{- /* The Collector decides which traces are stored. It can only choose among those that it receives. */ -}}
{{- $_ := set $variables "OTEL_TRACES_SAMPLER" "parentbased_always_on" -}}
{{- else if .Values.jaeger.enabled -}}
{{- /* Jaeger accepts only traces. The general variable would also send it metrics and logs. */ -}}
{{- $_ := set $variables "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" (printf "http://%s-jaeger:4318/v1/traces" (include "films.fullname" .)) -}}
{{- $_ := set $variables "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL" "http/protobuf" -}}
{{- end -}}
{{- $variables = merge (dict) .Values.otel.env $variables -}}
{{- if $variables }}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
{{- $_ := set $variables "OTEL_RESOURCE_ATTRIBUTES" (list "k8s.pod.name=$(POD_NAME),k8s.namespace.name=$(POD_NAMESPACE)" (get $variables "OTEL_RESOURCE_ATTRIBUTES") | compact | join ",") }}
{{- end }}
{{- include "films.env" $variables }}
{{- end -}}
