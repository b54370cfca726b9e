{{- /* Not empty if the load test compares servers in its own pod. Otherwise it measures the release. */ -}}
{{- define "films.compares" -}}
{{- if and .Values.loadtest.enabled .Values.loadtest.compare (not .Values.loadtest.k6Operator.enabled) -}}
true
{{- end -}}
{{- end -}}

{{- /* The names of the baselines that are measured, as a JSON array: in alphabetical order, the ceiling last. */ -}}
{{- define "films.baselines" -}}
{{- $loadtest := .Values.loadtest -}}
{{- $names := list -}}
{{- if include "films.compares" . -}}
{{- range $name, $baseline := $loadtest.baselines -}}
{{- if $baseline.enabled -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if has $loadtest.ceiling $names -}}
{{- $names = append (without $names $loadtest.ceiling) $loadtest.ceiling -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{- /* The servers of a comparison in the order of the report, as a JSON array of objects: name, port. */ -}}
{{- define "films.comparedServers" -}}
{{- $servers := list -}}
{{- range $index, $name := prepend (include "films.baselines" . | fromJsonArray) "films" -}}
{{- $servers = append $servers (dict "name" $name "port" (add 5000 $index)) -}}
{{- end -}}
{{- toJson $servers -}}
{{- end -}}
