{{- /* How a container connects to Postgres: with the environment variables of libpq, or with a URL.

In the mode `embedded` there are three roles, and the definitions take the role as `role`: `superuser`, `owner` for
the migration, and `service` for everything else. The other modes have one role. */ -}}

{{- define "films.postgresName" -}}
{{ include "films.fullname" . }}-postgres
{{- end -}}

{{- /* Name of a role of the embedded Postgres. The suffixes keep the names apart from the superuser of a volume that
an earlier release created: Postgres cannot take that role's rights away, and pods of that release still use it
during a rollout and after a rollback. Takes a dict: root, role. */ -}}
{{- define "films.roleName" -}}
{{ .root.Values.postgres.user }}{{ if ne .role "superuser" }}_{{ .role }}{{ end }}
{{- end -}}

{{- /* The Secret and the key of a password, as a JSON object: name, key. Takes a dict: root, role. */ -}}
{{- define "films.passwordRef" -}}
{{- $name := include "films.postgresName" .root -}}
{{- $embedded := .root.Values.postgres.embedded -}}
{{- $key := "password" -}}
{{- if eq .root.Values.postgres.mode "cnpg" -}}
{{- $name = printf "%s-app" $name -}}
{{- else if $embedded.existingSecret -}}
{{- $name = $embedded.existingSecret -}}
{{- $key = get $embedded (printf "%sPasswordKey" .role) | default "password" -}}
{{- else if ne .role "superuser" -}}
{{- $name = printf "%s-roles" $name -}}
{{- $key = .role -}}
{{- end -}}
{{- dict "name" $name "key" $key | toJson -}}
{{- end -}}

{{- /* Name of the Secret that holds the URLs in the mode `external`. */ -}}
{{- define "films.externalSecret" -}}
{{- $external := .Values.postgres.external -}}
{{- $external.existingSecret | default (printf "%s-database" (include "films.fullname" .)) -}}
{{- end -}}

{{- /* Environment variables for the connection to the primary. Takes a dict: root; role (`service` by default);
passwordFile, true in a container of the service, which reads the password from a file; and optionally key, the key of
the URL in the Secret if it differs from urlKey (mode `external` only). */ -}}
{{- define "films.databaseEnv" -}}
{{- $root := .root -}}
{{- $postgres := $root.Values.postgres -}}
{{- $role := dict "root" $root "role" (.role | default "service") -}}
{{- $name := include "films.postgresName" $root -}}
{{- if and (eq $postgres.mode "external") $postgres.external.secretKeys (eq (.key | default $postgres.external.urlKey) $postgres.external.urlKey) }}
{{- range $variable, $key := $postgres.external.secretKeys }}
- name: {{ $variable }}
  valueFrom: { secretKeyRef: { name: {{ include "films.externalSecret" $root | quote }}, key: {{ $key | quote }} } }
{{- end }}
{{- else if eq $postgres.mode "external" }}
- name: DATABASE_URL
  valueFrom: { secretKeyRef: { name: {{ include "films.externalSecret" $root | quote }}, key: {{ .key | default $postgres.external.urlKey | quote }} } }
{{- else }}
{{- if eq $postgres.mode "cnpg" }}
- { name: PGHOST, value: {{ $name }}-rw }
- { name: PGPORT, value: "5432" }
{{- range $variable, $key := dict "PGDATABASE" "dbname" "PGUSER" "username" }}
- name: {{ $variable }}
  valueFrom: { secretKeyRef: { name: {{ $name }}-app, key: {{ $key }} } }
{{- end }}
{{- else }}
- { name: PGHOST, value: {{ $name }} }
- { name: PGPORT, value: "5432" }
- { name: PGDATABASE, value: {{ $postgres.database | quote }} }
- { name: PGUSER, value: {{ include "films.roleName" $role | quote }} }
{{- end }}
{{- if .passwordFile }}
- { name: DATABASE_PASSWORD_FILE, value: /etc/films-database/password }
{{- else }}
- name: PGPASSWORD
  valueFrom: { secretKeyRef: {{ include "films.passwordRef" $role }} }
{{- end }}
{{- end }}
{{- end -}}

{{- /* The password as a file: the service drops a line break at its end, and a changed Secret reaches the file
without a restart. Takes a dict: root, role (`service` by default). */ -}}
{{- define "films.passwordVolume" -}}
{{- if ne .root.Values.postgres.mode "external" }}
{{- $role := .role | default "service" }}
{{- $ref := include "films.passwordRef" (dict "root" .root "role" $role) | fromJson }}
- name: password-of-{{ $role }}
  secret:
    secretName: {{ $ref.name }}
    items: [{ key: {{ $ref.key }}, path: password }]
{{- end }}
{{- end -}}

{{- define "films.passwordMount" -}}
{{- if ne .root.Values.postgres.mode "external" }}
- name: password-of-{{ .role | default "service" }}
  mountPath: /etc/films-database
  readOnly: true
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
