{{- /* The parameters of the embedded Postgres, as arguments of the server. */ -}}
{{- define "films.postgresParameters" -}}
{{- range $name, $value := .Values.postgres.embedded.parameters }}
- {{ printf "-c%s=%s" $name (include "films.text" $value) | quote }}
{{- end }}
{{- end -}}
