{{- /* Checks of `extraEnv`. A variable that the chart sets as well would stand twice in the list, which
server-side apply refuses. A setting in a variable would evade the checks of `config`. */ -}}

{{- define "films.checks.environment" -}}
{{- $postgres := dict "PGHOST" "postgres.mode" "PGPORT" "postgres.mode" "PGDATABASE" "postgres.database" "PGUSER" "postgres.user" "PGPASSWORD" "postgres.embedded.existingSecret" "DATABASE_URL" "postgres.external.url" }}
{{- $service := merge (dict "RUST_LOG" "config.log.filter" "FILMS__DATABASE__URL" "postgres.external.url" "FILMS__DATABASE__READ_URL" "postgres.external.readUrl" "FILMS__FAULTS__ENABLED" "faults.enabled" "FILMS__FAULTS__TOKEN_FILE" "faults.existingSecret" "POD_NAME" "" "POD_NAMESPACE" "") $postgres }}
{{- $migration := merge (dict "RUST_LOG" "config.log.filter" "FILMS__DATABASE__URL" "postgres.external.migrationUrl") $postgres }}
{{- $workloads := dict "extraEnv" (list .Values.extraEnv $service) "migration.extraEnv" (list .Values.migration.extraEnv $migration) }}
{{- $embedded := dict "PGDATA" "" "POSTGRES_DB" "postgres.database" "POSTGRES_USER" "postgres.user" "POSTGRES_PASSWORD" "postgres.embedded.existingSecret" }}
{{- $_ := set $workloads "postgres.embedded.extraEnv" (list .Values.postgres.embedded.extraEnv $embedded) }}
{{- $_ := set $workloads "jaeger.extraEnv" (list .Values.jaeger.extraEnv (dict "JAEGER_LISTEN_HOST" "" "MEMORY_MAX_TRACES" "jaeger.maxTraces")) }}
{{- $loadtest := dict "NODE_NAME" "" "BASE_URL" "" "RATE" "loadtest.rate" "SECONDS" "loadtest.seconds" "CONNECTIONS" "loadtest.connections" "SUMMARY" "" }}
{{- $_ := set $workloads "loadtest.extraEnv" (list .Values.loadtest.extraEnv $loadtest) }}
{{- $tests := dict "HTTP_HOST" "" "HTTP_PORT" "service.port" "ADMIN_HOST" "" "ADMIN_PORT" "config.admin.listen" "MAX_CONNECTIONS" "postgres.maxConnections" "PEAK_PODS" "" "POOL_SIZE" "config.database.pool_size" "MOST" "" }}
{{- $_ := set $workloads "tests.extraEnv" (list .Values.tests.extraEnv (merge $tests $postgres)) }}
{{- range $name, $baseline := .Values.loadtest.baselines }}
{{- $own := dict "POOL_SIZE" "loadtest.servers.poolSize" "WORKERS" "loadtest.servers.resources.limits.cpu" "LISTEN" "" "DATABASE_URL" "" }}
{{- $_ := set $workloads (printf "loadtest.baselines.%s.extraEnv" $name) (list $baseline.extraEnv $own) }}
{{- end }}
{{- range $key, $pair := $workloads }}
{{- range $variable, $_ := first $pair }}
{{- if hasKey (last $pair) $variable }}
{{- with get (last $pair) $variable }}
{{ $key }}.{{ $variable }}: found a variable that another value decides, expected any other. Set {{ . }} instead
{{- else }}
{{ $key }}.{{ $variable }}: found a variable that the chart sets, expected any other. Remove it
{{- end }}
{{- else if has $key (list "extraEnv" "migration.extraEnv") }}
{{- include "films.checks.setting" (dict "key" $key "variable" $variable) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Refuses a setting of the service in a variable. Only the password file has no other value. Takes a dict:
key, variable. */ -}}
{{- define "films.checks.setting" -}}
{{- $setting := .variable | trimPrefix "FILMS__" | lower | replace "__" "." }}
{{- if and (hasPrefix "FILMS__" .variable) (ne $setting "database.password_file") }}
{{ .key }}.{{ .variable }}: found a setting of the service, expected it in config, where the chart checks it. Set config.{{ $setting }} instead
{{- end }}
{{- if and (hasPrefix "OTEL_" .variable) (eq .key "extraEnv") }}
{{ .key }}.{{ .variable }}: found a variable of OpenTelemetry, expected it in otel.env, where the chart checks it. Set otel.env.{{ .variable }} instead
{{- end }}
{{- end -}}
