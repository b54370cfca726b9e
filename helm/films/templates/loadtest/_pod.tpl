{{- define "films.loadtestName" -}}
{{ include "films.fullname" . }}-loadtest
{{- end -}}

{{- /* Where the result is kept: a ConfigMap or a PersistentVolumeClaim of this name. */ -}}
{{- define "films.reportName" -}}
{{ include "films.loadtestName" . }}-report
{{- end -}}

{{- /* Not empty where the service is compared with others. A TestRun has one target. */ -}}
{{- define "films.hasBaselines" -}}
{{- if and .Values.loadtest.enabled .Values.loadtest.baselines (not .Values.loadtest.k6Operator.enabled) -}}
true
{{- end -}}
{{- end -}}

{{- define "films.loadtestArgs" -}}
{{- $loadtest := .Values.loadtest -}}
{{- $name := include "films.fullname" . -}}
{{- $args := list "compare" (printf "films=http://%s:%d" $name (int .Values.service.port)) -}}
{{- if include "films.hasBaselines" . -}}
{{- range $target := list "flask" "quart" "ceiling" -}}
{{- $args = append $args (printf "%s=http://%s-%s:5000" $target $name $target) -}}
{{- end -}}
{{- $args = concat $args (list "--reference" "quart" "--ceiling" "ceiling") -}}
{{- end -}}
{{- range $option := list "workload" "rounds" "seconds" "warmup" "connections" "rate" "wait" -}}
{{- $args = concat $args (list (printf "--%s" $option) (get $loadtest $option | toString)) -}}
{{- end -}}
{{- range $loadtest.require -}}
{{- $args = concat $args (list "--require" .) -}}
{{- end -}}
{{- $metadata := dict "chart" .Chart.Version "pods of each" .Values.replicas "CPU limit of each pod" (dig "limits" "cpu" "none" (.Values.resources | default dict)) "memory limit of each pod" (dig "limits" "memory" "none" (.Values.resources | default dict)) "pool size of each pod" (include "films.poolSize" .) "Postgres" .Values.postgres.mode -}}
{{- range $key, $text := merge (dict) $loadtest.metadata $metadata -}}
{{- $args = concat $args (list "--metadata" (printf "%s=%v" $key $text)) -}}
{{- end -}}
{{- if eq $loadtest.report.keep "persistentVolumeClaim" -}}
{{- $args = concat $args (list "--out" "/report/result.json" "--markdown" "/report/report.md" "--html" "/report/report.html") -}}
{{- else -}}
{{- $args = concat $args (list "--out" "/tmp/result.json" "--config-map" (include "films.reportName" .)) -}}
{{- end -}}
{{- $args | toYaml -}}
{{- end -}}

{{- /* The spec of the Job, and of those that are made from the CronJob. */ -}}
{{- define "films.loadtestJobSpec" -}}
{{- $context := dict "root" . "component" "loadtest" "workload" .Values.loadtest -}}
{{- $kept := eq .Values.loadtest.report.keep "persistentVolumeClaim" -}}
{{- /* Only the Job that writes to the ConfigMap gets a token. */ -}}
{{- $pod := ternary (dict "fsGroup" 65532) (dict "serviceAccountName" (include "films.loadtestName" .)) $kept -}}
# Measuring again is for people to decide.
backoffLimit: 0
template:
  metadata:
    {{- include "films.podMetadata" $context | nindent 4 }}
  spec:
    {{- include "films.podSpec" (merge $pod $context) | nindent 4 }}
    restartPolicy: Never
    containers:
      - name: loadtest
        {{- include "films.container" $context | nindent 8 }}
        args:
          {{- include "films.loadtestArgs" . | nindent 10 }}
        {{- with include "films.env" .Values.loadtest.extraEnv | trim }}
        env:
          {{- . | nindent 10 }}
        {{- end }}
        volumeMounts:
          {{- if $kept }}
          - name: report
            mountPath: /report
          {{- end }}
          {{- include "films.volumeMounts" $context | nindent 10 }}
    volumes:
      {{- if $kept }}
      - name: report
        persistentVolumeClaim:
          claimName: {{ include "films.reportName" . }}
      {{- end }}
      {{- include "films.volumes" $context | nindent 6 }}
{{- end -}}
