{{- define "films.loadtestName" -}}
{{ include "films.fullname" . }}-loadtest
{{- end -}}

{{- /* Name of the ConfigMap or PersistentVolumeClaim that stores the result. */ -}}
{{- define "films.reportName" -}}
{{ include "films.loadtestName" . }}-report
{{- end -}}

{{- define "films.loadtestArgs" -}}
{{- $loadtest := .Values.loadtest -}}
{{- $args := concat (list "compare") (include "films.loadtestTargets" . | fromJsonArray) -}}
{{- range $option := list "workload" "rounds" "seconds" "warmup" "connections" "rate" "wait" -}}
{{- $args = concat $args (list (printf "--%s" $option) (include "films.text" (get $loadtest $option))) -}}
{{- end -}}
{{- range $loadtest.require -}}
{{- $args = concat $args (list "--require" .) -}}
{{- end -}}
{{- range $key, $text := merge (dict) $loadtest.metadata (include "films.loadtestMetadata" . | fromJson) -}}
{{- $args = concat $args (list "--metadata" (printf "%s=%v" $key $text)) -}}
{{- end -}}
{{- $args = concat $args (list "--out" "/tmp/result.json") -}}
{{- if eq $loadtest.report.keep "persistentVolumeClaim" -}}
{{- $args = concat $args (list "--folder" "/report") -}}
{{- else -}}
{{- $args = concat $args (list "--config-map" (include "films.reportName" .)) -}}
{{- end -}}
{{- $args | toYaml -}}
{{- end -}}

{{- /* The arguments that name what is measured, as a JSON array. */ -}}
{{- define "films.loadtestTargets" -}}
{{- $args := list -}}
{{- if include "films.compares" . -}}
{{- range include "films.comparedServers" . | fromJsonArray -}}
{{- $args = append $args (printf "%s=http://127.0.0.1:%d" .name (int .port)) -}}
{{- end -}}
{{- range $role := list "reference" "ceiling" -}}
{{- with get $.Values.loadtest $role -}}
{{- $args = concat $args (list (printf "--%s" $role) .) -}}
{{- end -}}
{{- end -}}
{{- $args = concat $args (list "--observe" "postgres=:5432") -}}
{{- else -}}
{{- $args = append $args (printf "films=http://%s:%d" (include "films.fullname" .) (int .Values.service.port)) -}}
{{- end -}}
{{- toJson $args -}}
{{- end -}}

{{- /* What the report says about the servers, as a JSON object. */ -}}
{{- define "films.loadtestMetadata" -}}
{{- $loadtest := .Values.loadtest -}}
{{- $metadata := dict "chart" .Chart.Version "node of the load test" "$(NODE_NAME)" -}}
{{- $images := dict "films" .Values.image "the load test" $loadtest.image -}}
{{- if include "films.compares" . -}}
{{- $images = merge $images (dict "Postgres" .Values.postgres.embedded.image) -}}
{{- range include "films.baselines" . | fromJsonArray -}}
{{- $images = merge $images (dict . (get $loadtest.baselines .).image) -}}
{{- end -}}
{{- $limits := include "films.limits" $loadtest.servers.resources | fromJson -}}
{{- $postgres := include "films.limits" .Values.postgres.embedded.resources | fromJson -}}
{{- $metadata = merge $metadata (dict "placement" "one pod on one node, shared by load generator, servers and Postgres" "CPU limit of each server" $limits.cpu "memory limit of each server" $limits.memory "pool size of each server" (int $loadtest.servers.poolSize) "CPU limit of Postgres" $postgres.cpu "memory limit of Postgres" $postgres.memory) -}}
{{- else -}}
{{- $pods := int .Values.replicas | toString -}}
{{- if .Values.autoscaling.enabled -}}
{{- $pods = printf "%d to %d" (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
{{- end -}}
{{- $limits := include "films.limits" .Values.resources | fromJson -}}
{{- $metadata = merge $metadata (dict "pods" $pods "CPU limit of each pod" $limits.cpu "memory limit of each pod" $limits.memory "pool size of each pod" (include "films.poolSize" .) "Postgres" .Values.postgres.mode) -}}
{{- end -}}
{{- range $name, $image := $images -}}
{{- $metadata = merge $metadata (dict (printf "image of %s" $name) (include "films.image" (dict "root" $ "image" $image))) -}}
{{- end -}}
{{- toJson $metadata -}}
{{- end -}}

{{- /* The limits of a container as a JSON object: cpu, memory. */ -}}
{{- define "films.limits" -}}
{{- $limits := dig "limits" dict (. | default dict) | default dict -}}
{{- dict "cpu" (get $limits "cpu" | default "none") "memory" (get $limits "memory" | default "none") | toJson -}}
{{- end -}}
