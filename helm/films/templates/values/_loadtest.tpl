{{- /* Checks of the load test. */ -}}

{{- define "films.checks.loadtest" -}}
{{- $loadtest := .Values.loadtest }}
{{- $baselines := include "films.baselines" . | fromJsonArray }}
{{- $reserved := list "films" "loadtest" "migrate" "postgres" "seed" }}
{{- range $name, $_ := $loadtest.baselines }}
{{- if has $name $reserved }}
loadtest.baselines.{{ $name }}: found the name of another container, expected any name except {{ join ", " $reserved }}. Rename the baseline
{{- end }}
{{- end }}
{{- include "films.checks.schedule" $loadtest.schedule }}
{{- if $loadtest.enabled }}
{{- if not (include "films.compares" .) }}
{{- include "films.checks.measuredRelease" . }}
{{- end }}
{{- if $loadtest.k6Operator.enabled }}
{{- include "films.checks.testRun" . }}
{{- else }}
{{- if $loadtest.compare }}
{{- range $role := list "reference" "ceiling" }}
{{- $name := get $loadtest $role }}
{{- if and $name (not (has $name $baselines)) }}
loadtest.{{ $role }}: found {{ $name }}, expected the name of an enabled baseline ({{ $baselines | join ", " | default "none is enabled" }}) or nothing. Name another baseline, set loadtest.baselines.{{ $name }}.enabled to true, or set loadtest.compare to false to measure the service alone
{{- end }}
{{- end }}
{{- end }}
{{- range $index, $rule := $loadtest.require }}
{{- include "films.checks.requirement" (dict "root" $ "index" $index "rule" $rule "targets" (prepend $baselines "films")) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Checks of a load test that measures the release itself. */ -}}
{{- define "films.checks.measuredRelease" -}}
{{- if and (not .Values.autoscaling.enabled) (eq (int .Values.replicas) 0) }}
replicas: found 0, expected at least 1 while the load test measures the release, because it would wait for a pod. Raise replicas or set loadtest.enabled to false
{{- end }}
{{- if not .Values.loadtest.storeReviews }}
loadtest.storeReviews: found false, expected true while {{ ternary "loadtest.k6Operator.enabled is true" "loadtest.compare is false" .Values.loadtest.k6Operator.enabled }}, because such a run stores its reviews in the database of the release, often 100,000 and more, and nothing deletes them later. Set storeReviews to true to accept that, or compare servers in a pod with a database of its own (loadtest.compare=true, loadtest.k6Operator.enabled=false)
{{- end }}
{{- end -}}

{{- define "films.checks.testRun" -}}
{{- $loadtest := .Values.loadtest }}
{{- if not (has $loadtest.workload (list "slo" "spike" "soak")) }}
loadtest.workload: found {{ $loadtest.workload }}, expected slo, spike or soak while loadtest.k6Operator.enabled is true, because the other workloads run on wrk. Choose one of the three or set k6Operator.enabled to false
{{- end }}
{{- range $key := list "require" "schedule" }}
{{- if get $loadtest $key }}
loadtest.{{ $key }}: found a value, expected none while loadtest.k6Operator.enabled is true, because a TestRun does not use it. Remove it or set k6Operator.enabled to false
{{- end }}
{{- end }}
{{- end -}}

{{- /* A requirement that names what is not measured would fail after the whole run. The schema has checked the
form. Takes a dict: root, index, rule, targets. */ -}}
{{- define "films.checks.requirement" -}}
{{- $workload := .root.Values.loadtest.workload }}
{{- $words := regexSplit "\\s+" (regexFind "^[^<>]+" .rule | trim) -1 }}
{{- $names := splitList "/" (first $words) }}
{{- $key := printf "loadtest.require[%d]: found %s" .index .rule }}
{{- range $name := $names }}
{{- if not (has $name $.targets) }}
{{ $key }}, expected a server that is measured ({{ join ", " $.targets }}), but {{ $name }} is not one. Name another server or enable the baseline
{{- end }}
{{- end }}
{{- if and (eq (len $names) 2) (eq (first $names) (last $names)) }}
{{ $key }}, expected two different servers, but both are {{ first $names }}. Name another server
{{- end }}
{{- $routes := get (.root.Files.Get "files/checks.json" | fromJson).routes $workload }}
{{- if not (has (index $words 1) $routes) }}
{{ $key }}, expected a route of the workload {{ $workload }} ({{ join ", " $routes }}), but {{ index $words 1 }} is not one. Name another route or choose another workload
{{- end }}
{{- end -}}

{{- define "films.checks.schedule" -}}
{{- $macros := list "" "@yearly" "@annually" "@monthly" "@weekly" "@daily" "@midnight" "@hourly" }}
{{- if not (has . $macros) }}
{{- $fields := regexSplit "\\s+" (trim .) -1 }}
{{- $mistake := "" }}
{{- if ne (len $fields) 5 }}
{{- $mistake = printf "there are %d fields" (len $fields) }}
{{- else }}
{{- $ranges := list (list "minute" 0 59 "") (list "hour" 0 23 "") (list "day" 1 31 "") (list "month" 1 12 "|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec") (list "weekday" 0 7 "|sun|mon|tue|wed|thu|fri|sat") }}
{{- range $index, $range := $ranges }}
{{- $field := index $fields $index }}
{{- $value := printf "([0-9]{1,2}%s)" (last $range) }}
{{- $item := printf "(\\*|%s(-%s)?)(/[1-9][0-9]?)?" $value $value }}
{{- $numbers := regexFindAll "[0-9]+" (regexReplaceAll "/[0-9]+" $field "") -1 }}
{{- range $numbers }}
{{- if or (lt (int .) (index $range 1)) (gt (int .) (index $range 2)) }}
{{- $mistake = printf "the %s is %s" (first $range) . }}
{{- end }}
{{- end }}
{{- if not (regexMatch (printf "(?i)^%s(,%s)*$" $item $item) $field) }}
{{- $mistake = printf "the %s is %s" (first $range) $field }}
{{- end }}
{{- end }}
{{- end }}
{{- if $mistake }}
loadtest.schedule: found {{ . | quote }}, expected the five fields of cron (minute, hour, day, month, weekday) or a macro such as @daily, but {{ $mistake }}. Correct the schedule
{{- end }}
{{- end }}
{{- end -}}
