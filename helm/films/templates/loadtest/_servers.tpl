{{- /* What a comparison measures, as init containers of the load test's pod: a Postgres, the migration, and the
servers. Postgres and the servers are sidecars, which Kubernetes ends after the load test.

All of them listen on the loopback interface, where no other pod and no probe reaches them. `films migrate` waits for
Postgres, and the load test waits for the servers and names a server that does not respond. */ -}}
{{- define "films.comparedContainers" -}}
{{- include "films.comparedPostgres" . }}
{{- range $command := list (list "migrate" "--wait" .Values.migration.wait) (list "seed") }}
{{- $workload := dict "image" $.Values.image "resources" $.Values.migration.resources }}
- name: {{ first $command }}
  {{- include "films.container" (dict "root" $ "workload" $workload) | nindent 2 }}
  args: {{ toJson $command }}
  env:
    {{- include "films.comparedDatabase" . | trim | nindent 4 }}
  volumeMounts:
    {{- include "films.volumeMounts" (dict "workload" dict) | nindent 4 }}
{{- end }}
{{- range include "films.comparedServers" . | fromJsonArray }}
{{- include "films.comparedServer" (merge . (dict "root" $)) }}
{{- end }}
{{- end -}}

{{- /* A server. Takes a dict: root, name, port. */ -}}
{{- define "films.comparedServer" -}}
{{- $values := .root.Values -}}
{{- $isFilms := eq .name "films" -}}
{{- $baseline := get $values.loadtest.baselines .name | default dict -}}
{{- $workload := dict "image" (ternary $values.image $baseline.image $isFilms) "resources" $values.loadtest.servers.resources }}
- name: {{ .name | quote }}
  restartPolicy: Always
  {{- include "films.container" (dict "root" .root "workload" $workload) | nindent 2 }}
  {{- if $isFilms }}
  args: [serve, --config, /etc/films/config.yaml]
  {{- end }}
  env:
    {{- include (printf "films.envOf%s" (ternary "Films" "Baseline" $isFilms)) (merge (dict "baseline" $baseline) .) | trim | nindent 4 }}
  volumeMounts:
    {{- if $isFilms }}
    - name: config
      mountPath: /etc/films
      readOnly: true
    {{- end }}
    {{- include "films.volumeMounts" (dict "workload" dict) | nindent 4 }}
{{- end -}}

{{- /* The service keeps its other settings. Takes a dict: root, port. */ -}}
{{- define "films.envOfFilms" }}
{{- include "films.comparedDatabase" . }}
- { name: FILMS__HTTP__LISTEN, value: "127.0.0.1:{{ .port }}" }
- { name: FILMS__ADMIN__LISTEN, value: "127.0.0.1:0" }
- { name: FILMS__DATABASE__POOL_SIZE, value: {{ int .root.Values.loadtest.servers.poolSize | quote }} }
# There is no load balancer that has to notice the end of this server.
- { name: FILMS__SHUTDOWN__LAME_DUCK, value: 0s }
{{- if .root.Values.faults.enabled }}
# This pod has no token, and a fault would spoil the comparison.
- { name: FILMS__FAULTS__ENABLED, value: "false" }
{{- end }}
{{- end -}}

{{- /* Takes a dict: root, port, baseline. */ -}}
{{- define "films.envOfBaseline" }}
{{- if ne .baseline.database "none" }}
{{- include "films.comparedDatabase" . }}
{{- end }}
- { name: LISTEN, value: "127.0.0.1:{{ .port }}" }
{{- if eq .baseline.database "pool" }}
- { name: POOL_SIZE, value: {{ int .root.Values.loadtest.servers.poolSize | quote }} }
{{- end }}
- name: WORKERS
  valueFrom: { resourceFieldRef: { resource: limits.cpu } }
{{- include "films.env" .baseline.extraEnv }}
{{- end -}}

{{- /* A database without a volume. The parameters are those of the embedded Postgres, so the figures are
close to those of the release. */ -}}
{{- define "films.comparedPostgres" -}}
{{- $servers := .Values.loadtest.servers -}}
{{- /* A pool for each server at most, and room for the migration and for connections outside of the pools. */ -}}
{{- $connections := include "films.comparedServers" . | fromJsonArray | len | mul $servers.poolSize | add 20 -}}
- name: postgres
  restartPolicy: Always
  {{- include "films.container" (dict "root" . "workload" .Values.postgres.embedded) | nindent 2 }}
  args:
    - postgres
    - -clisten_addresses=127.0.0.1
    - -cmax_connections={{ max $connections .Values.postgres.maxConnections }}
    {{- with include "films.postgresParameters" . | trim }}{{ . | nindent 4 }}{{ end }}
  env:
    - { name: PGDATA, value: /pgdata/data }
    - { name: POSTGRES_DB, value: films }
    - { name: POSTGRES_USER, value: films }
    # Not a secret: the database ends with the pod, and only containers of the pod can connect.
    - { name: POSTGRES_PASSWORD, value: films }
  volumeMounts:
    - name: data
      mountPath: /pgdata
    - name: run
      mountPath: /var/run/postgresql
    {{- include "films.volumeMounts" (dict "workload" dict) | nindent 4 }}
{{- end -}}

{{- define "films.comparedDatabase" }}
- { name: DATABASE_URL, value: "postgres://films:films@127.0.0.1:5432/films" }
{{- end -}}
