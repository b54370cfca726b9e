{{- /* Fields that every pod of the chart has, hooks and Jobs included: security, placement and the user's extras.

All definitions take a dict: root, component, and workload, the section of values.yaml with the image, the
resources and the extras. */ -}}

{{- /* Pods have no label with the chart's version, because each new version would restart all of them. */ -}}
{{- define "films.podMetadata" -}}
labels:
  {{- merge (include "films.selector" . | fromYaml) (.workload.podLabels | default dict) .root.Values.commonLabels | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) (.workload.podAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Optional keys: uid (65532 by default); fsGroup; serviceAccountName, an account whose token the pod mounts. */ -}}
{{- define "films.podSpec" -}}
serviceAccountName: {{ .serviceAccountName | default (include "films.serviceAccountName" .root) | quote }}
automountServiceAccountToken: {{ hasKey . "serviceAccountName" }}
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- include "films.podSecurity" . }}
{{- include "films.placement" . }}
{{- end -}}

{{- define "films.podSecurity" }}
{{- $ids := dict }}
{{- if .root.Values.fixedUids }}
{{- $uid := .uid | default 65532 | int64 }}
{{- $ids = dict "runAsUser" $uid "runAsGroup" $uid }}
{{- with .fsGroup }}
{{- $ids = merge $ids (dict "fsGroup" (int64 .) "fsGroupChangePolicy" "OnRootMismatch") }}
{{- end }}
{{- end }}
securityContext:
  {{- merge (dict) .root.Values.podSecurityContext $ids | toYaml | nindent 2 }}
{{- end -}}

{{- define "films.placement" }}
{{- range $key := list "priorityClassName" "nodeSelector" "tolerations" "affinity" }}
{{- with get $.workload $key }}
{{ dict $key . | toYaml }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* The fields that every container has. */ -}}
{{- define "films.container" -}}
image: {{ include "films.image" (dict "root" .root "image" .workload.image) | quote }}
imagePullPolicy: {{ .workload.image.pullPolicy | default "IfNotPresent" }}
securityContext:
  {{- include "films.containerSecurity" . | nindent 2 }}
resources:
  {{- toYaml .workload.resources | nindent 2 }}
{{- end -}}

{{- define "films.containerSecurity" -}}
{{- toYaml .root.Values.securityContext -}}
{{- end -}}

{{- /* A value as text. Helm reads a number as a floating-point one, which it would print as 1.6777216e+07. */ -}}
{{- define "films.text" -}}
{{- if kindIs "float64" . -}}
{{- toJson . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{- /* Environment variables from a map by name. A value is a scalar, or a map with valueFrom. */ -}}
{{- define "films.env" -}}
{{- range $name, $value := . }}
{{- if kindIs "map" $value }}
- {{ merge (dict "name" $name) $value | toYaml | nindent 2 | trim }}
{{- else }}
- { name: {{ $name | quote }}, value: {{ include "films.text" $value | quote }} }
{{- end }}
{{- end }}
{{- end -}}

{{- define "films.volumes" -}}
- name: tmp
  emptyDir: {}
{{- with .workload.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "films.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- with .workload.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}
