{{- /* Checks of images and of the Service. */ -}}

{{- define "films.checks.images" -}}
{{- $images := dict "postgres.embedded.image" .Values.postgres.embedded.image "jaeger.image" .Values.jaeger.image "collector.image" .Values.collector.image "tests.image" .Values.tests.image }}
{{- range $key, $image := $images }}
{{- if not (or $image.tag $image.digest) }}
{{ $key }}.tag: found nothing, expected a tag or a digest, because an empty tag means the version of films. Set one of the two
{{- end }}
{{- end }}
{{- end -}}

{{- define "films.checks.exposure" -}}
{{- $service := .Values.service }}
{{- if and $service.nodePort (eq $service.type "ClusterIP") }}
service.nodePort: found {{ int $service.nodePort }}, expected 0 while service.type is ClusterIP. Set service.type to NodePort or LoadBalancer, or remove nodePort
{{- end }}
{{- range $key := list "loadBalancerClass" "loadBalancerSourceRanges" }}
{{- if and (get $service $key) (ne $service.type "LoadBalancer") }}
service.{{ $key }}: found a value, expected none while service.type is {{ $service.type }}. Set service.type to LoadBalancer or remove {{ $key }}
{{- end }}
{{- end }}
{{- if and $service.externalTrafficPolicy (eq $service.type "ClusterIP") }}
service.externalTrafficPolicy: found {{ $service.externalTrafficPolicy }}, expected nothing while service.type is ClusterIP. Set service.type to NodePort or LoadBalancer, or remove it
{{- end }}
{{- end -}}
