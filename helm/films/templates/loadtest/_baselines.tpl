{{- /* The names of the deployed baselines, as a JSON array: in alphabetical order, the ceiling last. A TestRun
of the k6 operator has only one target, so it comes without baselines. Takes a dict: root, and optionally
databases, the values of `database` that a baseline must have to be listed. */ -}}
{{- define "films.baselines" -}}
{{- $loadtest := .root.Values.loadtest -}}
{{- $names := list -}}
{{- if and $loadtest.enabled $loadtest.compare (not $loadtest.k6Operator.enabled) -}}
{{- range $name, $baseline := $loadtest.baselines -}}
{{- if and $baseline.enabled (has $baseline.database ($.databases | default (list "pool" "startup" "none"))) -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if has $loadtest.ceiling $names -}}
{{- $names = append (without $names $loadtest.ceiling) $loadtest.ceiling -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}
