{{- /* How a container connects to Postgres: with the environment variables of libpq, or with a URL. */ -}}

{{- define "films.postgresName" -}}
{{ include "films.fullname" . }}-postgres
{{- end -}}

{{- /* Name of the Secret that holds the URLs in the mode `external`. */ -}}
{{- define "films.externalSecret" -}}
{{- $external := .Values.postgres.external -}}
{{- $external.existingSecret | default (printf "%s-database" (include "films.fullname" .)) -}}
{{- end -}}

{{- /* Environment variables for the connection to the primary. Takes a dict: root, and optionally key, the key of
the URL in the Secret if it differs from urlKey (mode `external` only). */ -}}
{{- define "films.databaseEnv" -}}
{{- $root := .root -}}
{{- $postgres := $root.Values.postgres -}}
{{- $name := include "films.postgresName" $root -}}
{{- if and (eq $postgres.mode "external") $postgres.external.secretKeys (eq (.key | default $postgres.external.urlKey) $postgres.external.urlKey) }}
{{- range $variable, $key := $postgres.external.secretKeys }}
- name: {{ $variable }}
  valueFrom: { secretKeyRef: { name: {{ include "films.externalSecret" $root | quote }}, key: {{ $key | quote }} } }
{{- end }}
{{- else if eq $postgres.mode "external" }}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ include "films.externalSecret" $root | quote }}, key: {{ .key | default $postgres.external.urlKey | quote }} } }
{{- else if eq $postgres.mode "cnpg" }}
- { name: PGHOST, value: {{ $name }}-rw }
- { name: PGPORT, value: "5432" }
{{- range $variable, $key := dict "PGDATABASE" "dbname" "PGUSER" "username" "PGPASSWORD" "password" }}
- name: {{ $variable }}
  valueFrom: { secretKeyRef: { name: {{ $name }}-app, key: {{ $key }} } }
{{- end }}
{{- else }}
- { name: PGHOST, value: {{ $name }} }
- { name: PGPORT, value: "5432" }
- { name: PGDATABASE, value: {{ $postgres.database | quote }} }
- { name: PGUSER, value: {{ $postgres.user | quote }} }
- name: PGPASSWORD
  valueFrom: { secretKeyRef: { name: {{ $postgres.embedded.existingSecret | default $name | quote }}, key: password } }
{{- end }}
{{- end -}}

{{- /* Not empty if films are read from a replica. */ -}}
{{- define "films.hasReplica" -}}
{{- $external := .Values.postgres.external -}}
{{- $cnpg := and (eq .Values.postgres.mode "cnpg") .Values.postgres.cnpg.readReplicas -}}
{{- $url := and (eq .Values.postgres.mode "external") (ternary $external.readUrlKey $external.readUrl (not (empty $external.existingSecret))) -}}
{{- if or $cnpg $url -}}
true
{{- end -}}
{{- end -}}

{{- /* Environment variable for the connection to a replica. In the mode `cnpg` the URL names only the host; the
service takes the database and the user from the variables of films.databaseEnv. */ -}}
{{- define "films.readEnv" -}}
{{- if include "films.hasReplica" . }}
- name: FILMS__DATABASE__READ_URL
  {{- if eq .Values.postgres.mode "cnpg" }}
  value: postgres://{{ include "films.postgresName" . }}-ro:5432
  {{- else }}
  valueFrom: { secretKeyRef: { name: {{ include "films.externalSecret" . | quote }}, key: {{ ternary .Values.postgres.external.readUrlKey "readUrl" (not (empty .Values.postgres.external.existingSecret)) | quote }} } }
  {{- end }}
{{- end }}
{{- end -}}
