{{- /* The names of the deployed baselines, as a JSON array: in alphabetical order, the ceiling last. A TestRun
of the k6 operator has only one target, so it comes without baselines. Takes a dict: root, and optionally
databases, the values of `database` that a baseline must have to be listed. */ -}}
{{- define "films.baselines" -}}
{{- $loadtest := .root.Values.loadtest -}}
{{- $names := list -}}
{{- if and $loadtest.enabled $loadtest.compare (not $loadtest.k6Operator.enabled) -}}
{{- $reserved := list "admin" "films" "jaeger" "loadtest" "migrate" "postgres" "server" "test" -}}
{{- range $name, $baseline := $loadtest.baselines -}}
{{- if has $name $reserved -}}
{{- fail (printf "loadtest.baselines.%s: found the name of another component, expected any name except %s. Rename the baseline" $name (join ", " $reserved)) -}}
{{- end -}}
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
