{{- define "films.loadtestName" -}}
{{ include "films.fullname" . }}-loadtest
{{- end -}}

{{- /* Name of the ConfigMap or PersistentVolumeClaim that stores the result. */ -}}
{{- define "films.reportName" -}}
{{ include "films.loadtestName" . }}-report
{{- end -}}

{{- define "films.loadtestArgs" -}}
{{- $loadtest := .Values.loadtest -}}
{{- $name := include "films.fullname" . -}}
{{- $args := list "compare" (printf "films=http://%s:%d" $name (int .Values.service.port)) -}}
{{- $baselines := include "films.baselines" (dict "root" .) | fromJsonArray -}}
{{- range $baseline := $baselines -}}
{{- $args = append $args (printf "%s=http://%s-%s:5000" $baseline $name $baseline) -}}
{{- end -}}
{{- if $loadtest.compare -}}
{{- range $role := list "reference" "ceiling" -}}
{{- with get $loadtest $role -}}
{{- $args = concat $args (list (printf "--%s" $role) .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $option := list "workload" "rounds" "seconds" "warmup" "connections" "rate" "wait" -}}
{{- $args = concat $args (list (printf "--%s" $option) (include "films.text" (get $loadtest $option))) -}}
{{- end -}}
{{- range $loadtest.require -}}
{{- $args = concat $args (list "--require" .) -}}
{{- end -}}
{{- $limits := dig "limits" dict (.Values.resources | default dict) -}}
{{- $metadata := dict "chart" .Chart.Version "pods of each" (int .Values.replicas) "CPU limit of each pod" (get $limits "cpu" | default "none") "memory limit of each pod" (get $limits "memory" | default "none") "pool size of each pod" (include "films.poolSize" .) "Postgres" .Values.postgres.mode -}}
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

{{- /* The spec of the Job, also of each Job that the CronJob creates. */ -}}
{{- define "films.loadtestJobSpec" -}}
{{- $context := dict "root" . "component" "loadtest" "workload" .Values.loadtest -}}
{{- $onVolume := eq .Values.loadtest.report.keep "persistentVolumeClaim" -}}
{{- /* Only a Job that writes its report to the ConfigMap gets a token. */ -}}
{{- $pod := ternary (dict "fsGroup" 65532) (dict "serviceAccountName" (include "films.loadtestName" .)) $onVolume -}}
# The Job does not retry a failed run, because the report may still be useful and a retry takes as long.
backoffLimit: 0
{{- with .Values.loadtest.activeDeadlineSeconds }}
activeDeadlineSeconds: {{ int . }}
{{- end }}
{{- with .Values.loadtest.ttlSecondsAfterFinished }}
ttlSecondsAfterFinished: {{ int . }}
{{- end }}
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
          {{- if $onVolume }}
          - name: report
            mountPath: /report
          {{- end }}
          {{- include "films.volumeMounts" $context | nindent 10 }}
    volumes:
      {{- if $onVolume }}
      - name: report
        persistentVolumeClaim:
          claimName: {{ include "films.reportName" . }}
      {{- end }}
      {{- include "films.volumes" $context | nindent 6 }}
{{- end -}}
