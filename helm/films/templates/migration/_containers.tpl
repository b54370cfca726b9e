{{- /* `films migrate`, then `films seed`: containers of the Job, or init containers of the service's pods. */ -}}
{{- define "films.migrationContainers" -}}
{{- $workload := merge (dict "image" .Values.image) .Values.migration -}}
{{- $context := dict "root" . "component" "migrate" "workload" $workload -}}
{{- $commands := list (list "migrate" "--wait" .Values.migration.wait "--lock-timeout" .Values.migration.lockTimeout) -}}
{{- if .Values.migration.seed -}}
{{- $commands = append $commands (list "seed" "--wait" .Values.migration.wait) -}}
{{- end -}}
{{- range $command := $commands }}
- name: {{ first $command }}
  {{- include "films.container" $context | nindent 2 }}
  args: {{ concat $command (list "--config" "/etc/films/config.yaml") | toJson }}
  env:
    {{- include "films.databaseEnv" (dict "root" $ "key" (include "films.migrationKey" $)) | trim | nindent 4 }}
    {{- with include "films.env" $workload.extraEnv | trim }}{{ . | nindent 4 }}{{ end }}
  volumeMounts:
    - name: config
      mountPath: /etc/films
      readOnly: true
    {{- include "films.volumeMounts" $context | nindent 4 }}
{{- end }}
{{- end -}}

{{- /* Key of the URL for the migration in the Secret. */ -}}
{{- define "films.migrationKey" -}}
{{- $external := .Values.postgres.external -}}
{{- if $external.existingSecret -}}
{{- $external.migrationUrlKey | default $external.urlKey -}}
{{- else -}}
{{- ternary "migrationUrl" $external.urlKey (not (empty $external.migrationUrl)) -}}
{{- end -}}
{{- end -}}
