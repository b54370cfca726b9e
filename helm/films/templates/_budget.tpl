{{- /* The connection budget: all pods at their peak must fit into what Postgres accepts. With a replica, each
pod opens the same number of connections to both servers. One sum covers both, because a replica does not
start with fewer max_connections than the primary. */ -}}

{{- /* The smallest and the largest number of pods of the service, outside rollouts. */ -}}
{{- define "films.minPods" -}}
{{- ternary .Values.autoscaling.minReplicas .Values.replicas .Values.autoscaling.enabled -}}
{{- end -}}
{{- define "films.maxPods" -}}
{{- ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled -}}
{{- end -}}

{{- /* Pods that a rollout adds. Kubernetes rounds a percentage up. */ -}}
{{- define "films.surge" -}}
{{- $surge := toString .Values.rollingUpdate.maxSurge -}}
{{- if hasSuffix "%" $surge -}}
{{- divf (mul (trimSuffix "%" $surge | int) (include "films.maxPods" . | int)) 100 | ceil | int -}}
{{- else -}}
{{- $surge -}}
{{- end -}}
{{- end -}}

{{- /* Terminating pods hold their connections until they exit, but Kubernetes no longer counts them. At worst
all old pods are still terminating while the last new pod starts. A rollout that begins while the previous
rollout still has terminating pods is not covered. */ -}}
{{- define "films.terminatingPods" -}}
{{- max 0 (sub (include "films.maxPods" . | int) (include "films.surge" . | int)) -}}
{{- end -}}

{{- /* The largest number of pods that hold connections at the same time. */ -}}
{{- define "films.peakPods" -}}
{{- add (include "films.maxPods" .) (include "films.surge" .) (include "films.terminatingPods" .) -}}
{{- end -}}

{{- /* The budget as a JSON object: available, the connections to share; shares, the number of pods that share
them; and both as text for messages, availableText and sharesText. */ -}}
{{- define "films.budget" -}}
{{- $pods := include "films.maxPods" . | int -}}
{{- $shares := include "films.peakPods" . | int -}}
{{- $sharesText := printf "%d pods + %s added by a rollout + %s terminating" $pods (include "films.surge" .) (include "films.terminatingPods" .) -}}
{{- $max := .Values.postgres.maxConnections | int -}}
{{- $reserved := .Values.postgres.reservedConnections | int -}}
{{- $available := sub $max $reserved -}}
{{- $availableText := printf "postgres.maxConnections %d - postgres.reservedConnections %d" $max $reserved -}}
{{- if eq .Values.migration.run "job" -}}
{{- $available = sub $available 1 -}}
{{- $availableText = printf "%s - 1 for the migration" $availableText -}}
{{- end -}}
{{- dict "available" $available "shares" $shares "availableText" (printf "%s = %d" $availableText $available) "sharesText" (printf "%s = %d pods" $sharesText $shares) | toJson -}}
{{- end -}}

{{- /* The most connections that each pod may open. */ -}}
{{- define "films.share" -}}
{{- $budget := include "films.budget" . | fromJson -}}
{{- div (max 0 (int $budget.available)) (max 1 (int $budget.shares)) -}}
{{- end -}}

{{- /* The pool size of each pod: config.database.pool_size, or else a fair share of the budget. A share is at
most 20, because more connections than Postgres has cores make Postgres slower. */ -}}
{{- define "films.poolSize" -}}
{{- dig "database" "pool_size" nil .Values.config | default (min 20 (include "films.share" . | int)) | int -}}
{{- end -}}
