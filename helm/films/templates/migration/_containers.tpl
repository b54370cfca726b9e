{{- /* `films migrate`, then `films seed`: containers of the Job, or init containers of the service's pods. For the
embedded Postgres, psql creates the roles before, and grants the service its rights on the tables in between. */ -}}
{{- define "films.migrationContainers" -}}
{{- $wait := .Values.migration.wait -}}
{{- if eq .Values.postgres.mode "embedded" }}
{{- include "films.rolesContainer" . }}
{{- end }}
{{- include "films.migrationContainer" (dict "root" . "args" (list "migrate" "--wait" $wait "--lock-timeout" .Values.migration.lockTimeout)) }}
{{- if eq .Values.postgres.mode "embedded" }}
{{- include "films.grantsContainer" . }}
{{- end }}
{{- if .Values.migration.seed }}
{{- include "films.migrationContainer" (dict "root" . "args" (list "seed" "--wait" $wait)) }}
{{- end }}
{{- end -}}

{{- /* A command of the service's image. Takes a dict: root, args. */ -}}
{{- define "films.migrationContainer" -}}
{{- $workload := merge (dict "image" .root.Values.image) .root.Values.migration -}}
{{- $context := dict "root" .root "component" "migrate" "workload" $workload -}}
{{- $database := dict "root" .root "role" "owner" "passwordFile" true "key" (include "films.migrationKey" .root) }}
- name: {{ first .args }}
  {{- include "films.container" $context | nindent 2 }}
  args: {{ concat .args (list "--config" "/etc/films/config.yaml") | toJson }}
  env:
    {{- include "films.databaseEnv" $database | trim | nindent 4 }}
    {{- with include "films.env" $workload.extraEnv | trim }}{{ . | nindent 4 }}{{ end }}
  volumeMounts:
    - name: config
      mountPath: /etc/films
      readOnly: true
    {{- with include "films.passwordMount" $database | trim }}{{ . | nindent 4 }}{{ end }}
    {{- include "films.volumeMounts" $context | nindent 4 }}
{{- end -}}

{{- /* psql with the image of the embedded Postgres. Takes a dict: root, name, role, sql; optionally env, and options of
the server for the session. */ -}}
{{- define "films.psqlContainer" -}}
{{- $migration := .root.Values.migration -}}
{{- $workload := dict "image" .root.Values.postgres.embedded.image "resources" $migration.resources }}
- name: {{ .name }}
  {{- include "films.container" (dict "root" .root "workload" $workload) | nindent 2 }}
  command:
    - bash
    - -euo
    - pipefail
    - -c
    - |
      {{- .root.Files.Get "files/psql.sh" | trim | replace "\n\n" "\n" | nindent 6 }}
    - psql.sh
    - |
      {{- .sql | trim | replace "\n\n" "\n" | nindent 6 }}
  env:
    {{- include "films.databaseEnv" (dict "root" .root "role" .role) | trim | nindent 4 }}
    - { name: WAIT, value: {{ divf (include "films.milliseconds" $migration.wait) 1000 | ceil | int | quote }} }
    - { name: PGOPTIONS, value: "-clock_timeout={{ include "films.milliseconds" $migration.lockTimeout }}{{ .options }}" }
    {{- with .env }}{{ . | nindent 4 }}{{ end }}
  volumeMounts:
    {{- include "films.volumeMounts" (dict "workload" dict) | nindent 4 }}
{{- end -}}

{{- define "films.rolesContainer" -}}
{{- $sql := printf "%s%s" (.Files.Get "files/roles.sql") (.Files.Get "files/ownership.sql") -}}
{{- range $role := list "service" "owner" -}}
{{- $name := include "films.roleName" (dict "root" $ "role" $role) -}}
{{- $sql = printf "set films.%s to '%s';\nset films.%s_password to :'%s_password';\n%s" $role $name $role $role $sql -}}
{{- end -}}
{{- /* The log of Postgres must not show the passwords, whatever its settings are. */ -}}
{{- $options := " -clog_statement=none -clog_min_duration_statement=-1 -clog_min_error_statement=panic -clog_error_verbosity=terse" -}}
{{- include "films.psqlContainer" (dict "root" . "name" "roles" "role" "superuser" "sql" $sql "options" $options "env" (include "films.rolePasswords" . | trim)) -}}
{{- end -}}

{{- define "films.rolePasswords" -}}
{{- range $role := list "owner" "service" }}
- name: {{ upper $role }}_PASSWORD
  valueFrom: { secretKeyRef: {{ include "films.passwordRef" (dict "root" $ "role" $role) }} }
{{- end }}
{{- end -}}

{{- define "films.grantsContainer" -}}
{{- $sql := .Files.Get "files/grants.sql" | replace "films_service" (include "films.roleName" (dict "root" . "role" "service")) -}}
{{- include "films.psqlContainer" (dict "root" . "name" "grants" "role" "owner" "sql" $sql) -}}
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
