{{- /* The connection budget: all pods at their peak must fit into what Postgres accepts. With a replica a pod
opens as many connections to each of the two servers, and one sum serves both: a replica's max_connections
is the primary's or more, or it does not start. */ -}}

{{- /* Fewest and most pods of the service, without those of a rollout. */ -}}
{{- define "films.minPods" -}}
{{- ternary .Values.autoscaling.minReplicas .Values.replicas .Values.autoscaling.enabled -}}
{{- end -}}
{{- define "films.maxPods" -}}
{{- ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled -}}
{{- end -}}

{{- /* Pods that a rollout adds: as Kubernetes does, a percentage is rounded up. */ -}}
{{- define "films.surge" -}}
{{- $surge := toString .Values.rollingUpdate.maxSurge -}}
{{- if hasSuffix "%" $surge -}}
{{- divf (mul (trimSuffix "%" $surge | int) (include "films.maxPods" . | int)) 100 | ceil | int -}}
{{- else -}}
{{- $surge -}}
{{- end -}}
{{- end -}}

{{- /* Pods that were told to stop hold their connections until they have, and Kubernetes counts them no
more: at worst every old pod still drains while the last new one starts. A rollout that begins while the one
before it still drains is not counted. */ -}}
{{- define "films.draining" -}}
{{- max 0 (sub (include "films.maxPods" . | int) (include "films.surge" . | int)) -}}
{{- end -}}

{{- /* All that may hold connections at once. */ -}}
{{- define "films.peakPods" -}}
{{- add (include "films.maxPods" .) (include "films.surge" .) (include "films.draining" .) -}}
{{- end -}}

{{- /* The sum, as a dict in JSON: what is there to share, among how many, and the words for it. */ -}}
{{- define "films.budget" -}}
{{- $pods := include "films.maxPods" . | int -}}
{{- $surge := include "films.surge" . | int -}}
{{- $max := .Values.postgres.maxConnections | int -}}
{{- $reserved := .Values.postgres.reservedConnections | int -}}
{{- $migration := ternary 1 0 (eq .Values.migration.run "job") -}}
{{- $shares := include "films.peakPods" . | int -}}
{{- $words := printf "%d pods + %d of a rollout + %s that still drain" $pods $surge (include "films.draining" .) -}}
{{- $ceiling := 0 -}}
{{- if include "films.hasBaselines" . -}}
{{- $shares = add $shares $pods $pods -}}
{{- $words = printf "%s + %d of Flask + %d of Quart" $words $pods $pods -}}
{{- $ceiling = $pods -}}
{{- end -}}
{{- $available := sub $max (add $reserved $migration $ceiling) -}}
{{- $sum := printf "postgres.maxConnections %d - postgres.reservedConnections %d - %d for the migration" $max $reserved $migration -}}
{{- if $ceiling -}}
{{- $sum = printf "%s - %d for the load test's ceiling" $sum $ceiling -}}
{{- end -}}
{{- dict "available" $available "shares" $shares "sum" (printf "%s = %d" $sum $available) "words" $words | toJson -}}
{{- end -}}

{{- /* Connections of one pod: its share, unless config.database.pool_size says otherwise; no more than
the service's own default, because more connections than Postgres has cores make it slower. */ -}}
{{- define "films.poolSize" -}}
{{- $budget := include "films.budget" . | fromJson -}}
{{- $available := int $budget.available -}}
{{- $shares := int $budget.shares -}}
{{- $given := dig "database" "pool_size" nil .Values.config -}}
{{- $size := min 20 (div (max 0 $available) (max 1 $shares)) -}}
{{- if not (kindIs "invalid" $given) -}}
{{- $size = int $given -}}
{{- end -}}
{{- if lt (int $size) 1 -}}
{{- fail (printf "the connection budget does not fit: %s, for %s = %d pods, which is less than one each; raise postgres.maxConnections, or lower the number of pods" $budget.sum $budget.words $shares) -}}
{{- end -}}
{{- if gt (mul $size $shares) $available -}}
{{- fail (printf "the connection budget does not fit: %s, but (%s) x config.database.pool_size %d = %d; lower the pool size or the number of pods, or raise postgres.maxConnections" $budget.sum $budget.words $size (mul $size $shares)) -}}
{{- end -}}
{{- $size -}}
{{- end -}}
