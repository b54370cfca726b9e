{{- /* How a container finds its Postgres, by libpq's own variables or a whole URL. */ -}}

{{- define "films.postgresName" -}}
{{ include "films.fullname" . }}-postgres
{{- end -}}

{{- /* The Secret with the connection of `postgres.mode: external`. */ -}}
{{- define "films.externalSecret" -}}
{{- $external := .Values.postgres.external -}}
{{- if and $external.url $external.existingSecret -}}
{{- fail "postgres.external: url and existingSecret are both set: expected one of them" -}}
{{- else if and $external.existingSecret $external.migrationUrl -}}
{{- fail "postgres.external: migrationUrl stands beside existingSecret: put it into that Secret and name its key in migrationUrlKey" -}}
{{- else if and $external.existingSecret $external.readUrl -}}
{{- fail "postgres.external: readUrl stands beside existingSecret: put it into that Secret and name its key in readUrlKey" -}}
{{- else if $external.existingSecret -}}
{{- $external.existingSecret -}}
{{- else if $external.url -}}
{{- include "films.fullname" . }}-database
{{- else -}}
{{- fail "postgres.mode is external: expected postgres.external.url, or postgres.external.existingSecret with the URL in it" -}}
{{- end -}}
{{- end -}}

{{- /* The variables. Takes a dict: root, and key for another URL than the service's (external only). */ -}}
{{- define "films.databaseEnv" -}}
{{- $root := .root -}}
{{- $postgres := $root.Values.postgres -}}
{{- $name := include "films.postgresName" $root -}}
{{- if eq $postgres.mode "external" }}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ include "films.externalSecret" $root }}, key: {{ .key | default $postgres.external.urlKey }} } }
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
- { name: PGDATABASE, value: {{ $postgres.database }} }
- { name: PGUSER, value: {{ $postgres.user }} }
- name: PGPASSWORD
  valueFrom: { secretKeyRef: { name: {{ $postgres.embedded.existingSecret | default $name }}, key: password } }
{{- end }}
{{- end -}}

{{- /* Not empty where films are read from a replica. */ -}}
{{- define "films.hasReplica" -}}
{{- $external := .Values.postgres.external -}}
{{- $cnpg := and (eq .Values.postgres.mode "cnpg") .Values.postgres.cnpg.readReplicas -}}
{{- $external := and (eq .Values.postgres.mode "external") (ternary $external.readUrlKey $external.readUrl (not (empty $external.existingSecret))) -}}
{{- if and $cnpg (lt (int .Values.postgres.cnpg.instances) 2) -}}
{{- fail (printf "postgres.cnpg.readReplicas is true and postgres.cnpg.instances %d: expected 2 at least, because the first is no replica" (int .Values.postgres.cnpg.instances)) -}}
{{- end -}}
{{- if or $cnpg $external -}}
true
{{- end -}}
{{- end -}}

{{- /* The variable for it. In the mode cnpg the rest is as for the other: see films.databaseEnv. */ -}}
{{- define "films.readEnv" -}}
{{- if include "films.hasReplica" . }}
- name: FILMS__DATABASE__READ_URL
  {{- if eq .Values.postgres.mode "cnpg" }}
  value: postgres://{{ include "films.postgresName" . }}-ro:5432
  {{- else }}
  valueFrom: { secretKeyRef: { name: {{ include "films.externalSecret" . }}, key: {{ ternary .Values.postgres.external.readUrlKey "readUrl" (not (empty .Values.postgres.external.existingSecret)) }} } }
  {{- end }}
{{- end }}
{{- end -}}
