{{- /* The spec of the Job, also of each Job that the CronJob creates. */ -}}
{{- define "films.loadtestJobSpec" -}}
{{- $context := dict "root" . "component" "loadtest" "workload" .Values.loadtest -}}
{{- $onVolume := eq .Values.loadtest.report.keep "persistentVolumeClaim" -}}
{{- /* Only a Job that writes its report to the ConfigMap gets a token. */ -}}
{{- $pod := ternary (dict "fsGroup" 65532) (dict "serviceAccountName" (include "films.loadtestName" .)) $onVolume -}}
{{- $compares := include "films.compares" . -}}
{{- if $compares -}}
{{- /* Every container has the user of Postgres, because the load test may look only into processes of its own user. */ -}}
{{- $pod = merge $pod (dict "uid" .Values.postgres.embedded.uid) -}}
{{- end -}}
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
    {{- if $compares }}
    # The load test reads the CPU time and the memory of the servers and of Postgres from /proc.
    shareProcessNamespace: true
    initContainers:
      {{- include "films.comparedContainers" . | trim | nindent 6 }}
    {{- end }}
    containers:
      - name: loadtest
        {{- include "films.container" $context | nindent 8 }}
        args:
          {{- include "films.loadtestArgs" . | nindent 10 }}
        env:
          - name: NODE_NAME
            valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
          {{- with include "films.env" .Values.loadtest.extraEnv | trim }}{{ . | nindent 10 }}{{ end }}
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
      {{- if $compares }}
      - name: config
        configMap:
          name: {{ include "films.fullname" . | quote }}
      - name: data
        emptyDir: {}
      - name: run
        emptyDir: {}
      {{- end }}
      {{- include "films.volumes" $context | nindent 6 }}
{{- end -}}
