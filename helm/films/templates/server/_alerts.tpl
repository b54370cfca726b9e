{{- /* The alerting rules, once for the PrometheusRule and the ConfigMap. Each alert has a page in docs/runbooks and
tests in tests/alerts. */ -}}

{{- /* The matchers of the pods' time series, without braces. By default these are the labels that a ServiceMonitor
adds. */ -}}
{{- define "films.alerts.matchers" -}}
{{- $labels := .Values.monitoring.selector | default (dict "namespace" .Release.Namespace "service" (printf "%s-admin" (include "films.fullname" .))) -}}
{{- $matchers := list -}}
{{- range $name, $value := $labels -}}
{{- $matchers = append $matchers (printf "%s=%q" $name $value) -}}
{{- end -}}
{{- join ", " $matchers -}}
{{- end -}}

{{- /* Where the runbooks are. A released chart names its repository. A checkout has only the path. */ -}}
{{- define "films.alerts.runbooks" -}}
{{- if .Values.monitoring.runbookUrl -}}
{{- .Values.monitoring.runbookUrl | trimSuffix "/" -}}
{{- else if .Chart.Sources -}}
{{- printf "%s/blob/v%s/docs/runbooks" (first .Chart.Sources) .Chart.Version -}}
{{- else -}}
docs/runbooks
{{- end -}}
{{- end -}}

{{- /* The number of queries that failed at a Postgres that responds. An unreachable one sends no SQLSTATE. Takes a dict:
pods, window. */ -}}
{{- define "films.alerts.failures" -}}
sum by (query, error_type, db_response_status_code) (
  increase(films_query_failures_total{ {{- .pods -}} , error_type!~"unavailable|connect_timeout"}[{{ .window }}])
    or
  increase(films_query_failures_total{ {{- .pods -}} , db_response_status_code!=""}[{{ .window }}])
)
{{- end -}}

{{- define "films.alerts" -}}
{{- $pods := include "films.alerts.matchers" . -}}
{{- $runbooks := include "films.alerts.runbooks" . -}}
{{- $labels := dict "namespace" .Release.Namespace "service" (include "films.fullname" .) -}}
{{- $critical := merge (dict "severity" "critical") $labels | toJson -}}
{{- $warning := merge (dict "severity" "warning") $labels | toJson -}}
groups:
  - name: films-objectives
    rules:
      {{- include "films.alerts.burn" (dict "root" . "pods" $pods "runbooks" $runbooks "labels" $labels) | trim | nindent 6 }}
  - name: films-causes
    rules:
      {{- with .Values.monitoring.alerts }}
      - alert: FilmsAbsent
        expr: absent(up{ {{- $pods -}} } == 1)
        for: {{ .absent.for }}
        labels: {{ $critical }}
        annotations:
          summary: Prometheus cannot scrape any pod of films.
          description: No pod of films runs, or Prometheus does not reach the admin port.
          runbook_url: {{ printf "%s/FilmsAbsent.md" $runbooks | quote }}
      - alert: FilmsUnready
        expr: max(films_ready{ {{- $pods -}} }) == 0
        for: {{ .unready.for }}
        labels: {{ $critical }}
        annotations:
          summary: No pod of films is ready.
          description: Kubernetes sends no requests to an unready pod, so all requests fail. /readyz on the admin port says why.
          runbook_url: {{ printf "%s/FilmsUnready.md" $runbooks | quote }}
      - alert: FilmsDatabaseUnreachable
        expr: count by (db_client_connection_pool_name) (films_database_reachable{ {{- $pods -}} } == 0)
        for: {{ .databaseUnreachable.for }}
        labels: {{ $critical }}
        annotations:
          summary: Pods of films cannot reach Postgres.
          description: {{ `Pods that cannot reach the {{ $labels.db_client_connection_pool_name }}: {{ $value }}. /readyz on the admin port says why.` | quote }}
          runbook_url: {{ printf "%s/FilmsDatabaseUnreachable.md" $runbooks | quote }}
      - alert: FilmsQueriesFail
        expr: |-
          (
            {{- include "films.alerts.failures" (dict "pods" $pods "window" .queriesFail.window) | nindent 12 }}
              / on (query) group_left
            sum by (query) (increase(batch_size_count{ {{- $pods -}} }[{{ .queriesFail.window }}]))
          ) >= {{ divf .queriesFail.percent 100 }}
            and
          {{ include "films.alerts.failures" (dict "pods" $pods "window" .queriesFail.window) | nindent 10 | trim }} >= {{ .queriesFail.failures }}
        for: {{ .queriesFail.for }}
        labels: {{ $warning }}
        annotations:
          summary: Queries fail at a Postgres that can be reached.
          description: {{ `About {{ $value | humanizePercentage }} of the queries {{ $labels.query }} fail: {{ $labels.error_type }}{{ with $labels.db_response_status_code }}, SQLSTATE {{ . }}{{ end }}. The log line "queries fail" has Postgres's own words.` | quote }}
          runbook_url: {{ printf "%s/FilmsQueriesFail.md" $runbooks | quote }}
      - alert: FilmsQueueNearLimit
        expr: max by (pod, instance, query) (batch_queue{ {{- $pods -}} }) > {{ divf (mulf .queueNearLimit.percent $.Values.config.database.queue_size) 100 }}
        for: {{ .queueNearLimit.for }}
        labels: {{ $warning }}
        annotations:
          summary: A queue of requests that wait for Postgres is filling up.
          description: {{ printf "{{ $value }} requests wait for the query {{ $labels.query }}. At %d, further requests fail with 503." (int $.Values.config.database.queue_size) | quote }}
          runbook_url: {{ printf "%s/FilmsQueueNearLimit.md" $runbooks | quote }}
      - alert: FilmsPoolExhausted
        expr: |-
          max by (pod, instance, db_client_connection_pool_name) (db_client_connection_count{ {{- $pods -}} , db_client_connection_state="used"})
            >= on (pod, instance, db_client_connection_pool_name)
          max by (pod, instance, db_client_connection_pool_name) (db_client_connection_max{ {{- $pods -}} })
        for: {{ .poolExhausted.for }}
        labels: {{ $warning }}
        annotations:
          summary: Every connection of a pod's pool is in use.
          description: {{ `All {{ $value }} connections of the pool {{ $labels.db_client_connection_pool_name }} are in use, so queries wait for a connection.` | quote }}
          runbook_url: {{ printf "%s/FilmsPoolExhausted.md" $runbooks | quote }}
      - alert: FilmsWriterWaits
        expr: |-
          histogram_quantile(0.99, sum by (le) (
            rate(batch_wait_seconds_bucket{ {{- $pods -}} , query="create_review"}[{{ .writerWaits.window }}])
          )) > {{ divf (include "films.milliseconds" .writerWaits.threshold) 1000 }}
        for: {{ .writerWaits.for }}
        labels: {{ $warning }}
        annotations:
          summary: Reviews wait long before they are stored.
          description: {{ `The slowest 1 % of the reviews wait more than {{ $value | humanizeDuration }} until the writer takes them.` | quote }}
          runbook_url: {{ printf "%s/FilmsWriterWaits.md" $runbooks | quote }}
      - alert: FilmsReadinessFlaps
        expr: max by (pod, instance) (changes(films_ready{ {{- $pods -}} }[{{ .readinessFlaps.window }}])) > {{ .readinessFlaps.changes }}
        for: {{ .readinessFlaps.for }}
        labels: {{ $warning }}
        annotations:
          summary: A pod of films is ready and unready in turn.
          description: {{ printf "The readiness changed {{ $value }} times in the last %s." .readinessFlaps.window | quote }}
          runbook_url: {{ printf "%s/FilmsReadinessFlaps.md" $runbooks | quote }}
      - alert: FilmsReplicaLags
        expr: max by (pod, instance) (films_replica_lag_seconds{ {{- $pods -}} }) > {{ divf (include "films.milliseconds" .replicaLags.threshold) 1000 }}
        for: {{ .replicaLags.for }}
        labels: {{ $warning }}
        annotations:
          summary: The replica is behind its primary.
          description: {{ `Reads show films and reviews as they were up to {{ $value | humanizeDuration }} ago.` | quote }}
          runbook_url: {{ printf "%s/FilmsReplicaLags.md" $runbooks | quote }}
      - alert: FilmsConnectionsOverBudget
        {{- $budget := (include "films.budget" $ | fromJson).available | int }}
        expr: sum by (db_client_connection_pool_name) (db_client_connection_max{ {{- $pods -}} }) > {{ $budget }}
        for: {{ .connectionsOverBudget.for }}
        labels: {{ $warning }}
        annotations:
          summary: The pods of films may open more connections than Postgres has for them.
          description: {{ printf "The pods may open {{ $value }} connections to the {{ $labels.db_client_connection_pool_name }}. The budget is %d." $budget | quote }}
          runbook_url: {{ printf "%s/FilmsConnectionsOverBudget.md" $runbooks | quote }}
      - alert: FilmsLeasesNeverGranted
        expr: |-
          sum(rate(films_leases_total{ {{- $pods -}} , outcome!="off"}[{{ .leasesNeverGranted.window }}])) > 0
            unless
          sum(rate(films_leases_total{ {{- $pods -}} , outcome="granted"}[{{ .leasesNeverGranted.window }}])) > 0
        for: {{ .leasesNeverGranted.for }}
        labels: {{ $warning }}
        annotations:
          summary: Postgres grants no read lease, so every read needs a query.
          description: {{ `films requests {{ printf "%.2f" $value }} leases per second, and all are refused.` | quote }}
          runbook_url: {{ printf "%s/FilmsLeasesNeverGranted.md" $runbooks | quote }}
      {{- end }}
{{- end -}}
