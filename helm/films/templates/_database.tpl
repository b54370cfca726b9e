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
