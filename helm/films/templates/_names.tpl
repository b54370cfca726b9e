{{- /* Names, labels and selectors. */ -}}

{{- define "films.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* All labels of a resource. Takes a dict: root, component. */ -}}
{{- define "films.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "films.selector" . }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
{{- end -}}

{{- /* The labels that select the pods of a component. Takes a dict: root, component. */ -}}
{{- define "films.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end -}}

{{- /* The reference of an image. A digest replaces the tag, and an empty tag means the appVersion of the chart.
Takes a dict: root, image. */ -}}
{{- define "films.image" -}}
{{- $name := include "films.mirrored" (dict "root" .root "name" .image.repository) -}}
{{- if .image.digest -}}
{{ $name }}@{{ .image.digest }}
{{- else -}}
{{ $name }}:{{ default .root.Chart.AppVersion .image.tag }}
{{- end -}}
{{- end -}}

{{- /* The name of an image, in the registry of global.imageRegistry if that is set. The first part of a name is a
registry if it contains a dot or a colon, or is localhost. Takes a dict: root, name. */ -}}
{{- define "films.mirrored" -}}
{{- $registry := dig "imageRegistry" "" (.root.Values.global | default dict) -}}
{{- if $registry -}}
{{ $registry }}/{{ regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" .name "" }}
{{- else -}}
{{ .name }}
{{- end -}}
{{- end -}}

{{- /* The references of the images that the pods of the chart use, as a JSON array. */ -}}
{{- define "films.images" -}}
{{- $images := list .Values.image -}}
{{- if .Values.loadtest.enabled -}}
{{- $images = append $images .Values.loadtest.image -}}
{{- end -}}
{{- range include "films.baselines" . | fromJsonArray -}}
{{- $images = append $images (get $.Values.loadtest.baselines .).image -}}
{{- end -}}
{{- if or (eq .Values.postgres.mode "embedded") (include "films.compares" .) -}}
{{- $images = append $images .Values.postgres.embedded.image -}}
{{- end -}}
{{- if .Values.jaeger.enabled -}}
{{- $images = append $images .Values.jaeger.image -}}
{{- end -}}
{{- if .Values.collector.enabled -}}
{{- $images = append $images .Values.collector.image -}}
{{- end -}}
{{- $names := list -}}
{{- range append $images .Values.tests.image -}}
{{- $names = append $names (include "films.image" (dict "root" $ "image" .)) -}}
{{- end -}}
{{- $names | uniq | toJson -}}
{{- end -}}

{{- define "films.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "films.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}
