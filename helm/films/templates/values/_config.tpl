{{- /* Checks of `config`. The relations between settings come from the service's own schema. */ -}}

{{- define "films.checks.settings" -}}
{{- $checks := .Files.Get "files/checks.json" | fromJson }}
{{- $keys := list "http.listen" "admin.listen" "database.queue_size" "shutdown.lame_duck" "shutdown.grace" }}
{{- range $checks.relations }}
{{- $keys = append (append $keys .key) .other }}
{{- end }}
{{- range $key := uniq $keys }}
{{- if kindIs "invalid" (include "films.setting" (dict "root" $ "key" $key) | fromJson).value }}
config.{{ $key }}: found null, expected a value, because the chart reads it. Remove the null to get the chart's default
{{- end }}
{{- end }}
{{- range $checks.patterns }}
{{- $value := (include "films.setting" (dict "root" $ "key" .key) | fromJson).value }}
{{- if not (or (kindIs "invalid" $value) (regexMatch .pattern $value)) }}
config.{{ .key }}: found {{ $value | quote }}, expected {{ .expected }}. Correct the value
{{- end }}
{{- end }}
{{- end -}}

{{- define "films.checks.config" -}}
{{- range $relation := (.Files.Get "files/checks.json" | fromJson).relations }}
{{- $value := (include "films.setting" (dict "root" $ "key" $relation.key) | fromJson).value }}
{{- $other := (include "films.setting" (dict "root" $ "key" $relation.other) | fromJson).value }}
{{- $size := include "films.size" $value | int64 }}
{{- $limit := include "films.size" $other | int64 }}
{{- if or (gt $size $limit) (and (eq $size $limit) (eq $relation.relation "less than")) }}
config.{{ $relation.key }}: found {{ include "films.text" $value }}, expected {{ $relation.relation }} config.{{ $relation.other }}, which is {{ include "films.text" $other }}, because {{ $relation.because }}. Change one of the two
{{- end }}
{{- end }}
{{- range $section := list "http" "admin" }}
{{- $listen := (get $.Values.config $section).listen }}
{{- if or (not (regexMatch "^(0\\.0\\.0\\.0|\\[::\\]):[1-9][0-9]{0,4}$" $listen)) (gt (regexFind "[0-9]+$" $listen | int) 65535) }}
config.{{ $section }}.listen: found {{ $listen }}, expected 0.0.0.0:PORT or [::]:PORT with a port from 1 to 65535, because probes and Services reach the pod from outside. Listen on all addresses
{{- end }}
{{- end }}
{{- if eq (include "films.httpPort" .) (include "films.adminPort" .) }}
config.admin.listen: found port {{ include "films.adminPort" . }}, expected a port that config.http.listen does not use. Choose another port for one of the two
{{- end }}
{{- end -}}

{{- /* An integer, or the milliseconds of a duration. */ -}}
{{- define "films.size" -}}
{{- if kindIs "string" . -}}
{{- include "films.milliseconds" . -}}
{{- else -}}
{{- int64 . -}}
{{- end -}}
{{- end -}}
