{{- /* What every pod of the chart has, hooks and Jobs included: security, placement, the user's extras.

All take a dict: root, component, and workload, which is the section of values.yaml that holds the
workload's image, resources and extras. */ -}}

{{- /* Without the labels of the chart's version, which would restart every pod at every release. */ -}}
{{- define "films.podMetadata" -}}
labels:
  {{- merge (include "films.selector" . | fromYaml) (.workload.podLabels | default dict) | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) (.workload.podAnnotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Further keys: uid, 65532 by default; fsGroup; serviceAccountName, with which comes its token. */ -}}
{{- define "films.podSpec" -}}
serviceAccountName: {{ .serviceAccountName | default (include "films.serviceAccountName" .root) }}
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
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .uid | default 65532 }}
  runAsGroup: {{ .uid | default 65532 }}
  {{- with .fsGroup }}
  fsGroup: {{ . }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "films.placement" }}
{{- range $key := list "priorityClassName" "nodeSelector" "tolerations" "affinity" }}
{{- with get $.workload $key }}
{{ dict $key . | toYaml }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Further key: image, where the container's is not the workload's. */ -}}
{{- define "films.container" -}}
{{- $image := .image | default .workload.image -}}
image: {{ include "films.image" (dict "root" .root "image" $image) }}
imagePullPolicy: {{ $image.pullPolicy }}
securityContext:
  {{- include "films.containerSecurity" . | nindent 2 }}
resources:
  {{- toYaml .workload.resources | nindent 2 }}
{{- end -}}

{{- define "films.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* Environment variables from a map: of texts, or of what has its own form, such as valueFrom. */ -}}
{{- define "films.env" -}}
{{- range $name, $value := . }}
{{- if kindIs "map" $value }}
- {{ merge (dict "name" $name) $value | toYaml | nindent 2 | trim }}
{{- else }}
- { name: {{ $name }}, value: {{ toString $value | quote }} }
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
