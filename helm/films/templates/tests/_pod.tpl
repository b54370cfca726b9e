{{- /* A pod of `helm test` that runs files/test-NAME.sh. Takes a dict: root, name, env. */ -}}
{{- define "films.testPod" -}}
{{- $context := dict "root" .root "component" "test" "workload" .root.Values.tests "uid" .root.Values.tests.uid -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "films.fullname" .root }}-test-{{ .name }}
  {{- $hook := dict "helm.sh/hook" "test" "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded" "helm.sh/hook-output-log-policy" "hook-succeeded,hook-failed" }}
  {{- include "films.podMetadata" (merge (dict "annotations" $hook) $context) | nindent 2 }}
spec:
  {{- include "films.podSpec" $context | nindent 2 }}
  restartPolicy: Never
  containers:
    - name: {{ .name }}
      {{- include "films.container" $context | nindent 6 }}
      command:
        - bash
        - -euo
        - pipefail
        - -c
        - |
          {{- .root.Files.Get (printf "files/test-%s.sh" .name) | nindent 10 }}
      env:
        {{- .env | nindent 8 }}
        {{- with include "films.env" .root.Values.tests.extraEnv | trim }}{{ . | nindent 8 }}{{ end }}
      volumeMounts:
        {{- include "films.volumeMounts" $context | nindent 8 }}
  volumes:
    {{- include "films.volumes" $context | nindent 4 }}
{{- end -}}
