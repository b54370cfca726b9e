{{- /* Not empty if an uninstall leaves the Cluster. With `helm upgrade --reuse-values` from a release without the value,
the value is missing, and the data stays. */ -}}
{{- define "films.keepCluster" -}}
{{- if ne (toString .Values.postgres.cnpg.keep) "false" -}}
true
{{- end -}}
{{- end -}}
