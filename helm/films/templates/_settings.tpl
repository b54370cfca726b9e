{{- /* What the chart derives from the service's own settings. */ -}}

{{- /* A setting of the service. Its default stands in values.yaml only, so a null there is refused. Takes a
dict: root, section, key. */ -}}
{{- define "films.setting" -}}
{{- $value := dig .section .key nil .root.Values.config -}}
{{- if kindIs "invalid" $value -}}
{{- fail (printf "config.%s.%s: found null, expected a value, because the chart derives other fields from it. Remove the null to get the chart's default" .section .key) -}}
{{- end -}}
{{- $value -}}
{{- end -}}

{{- /* Converts a duration such as 500ms, 5s or 1m 30s into milliseconds. The schema has checked the form. */ -}}
{{- define "films.milliseconds" -}}
{{- $unit := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 -}}
{{- $sum = add $sum (mul (regexFind "[0-9]+" . | int64) (get $unit (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{- /* The time that a pod needs to stop: lame_duck and grace, and then 15 s more. The service takes up to 10 s of
these to flush telemetry and 1 s to close the admin port; 4 s are left for the kubelet and a slow node. */ -}}
{{- define "films.terminationGracePeriodSeconds" -}}
{{- $lameDuck := include "films.setting" (dict "root" . "section" "shutdown" "key" "lame_duck") -}}
{{- $grace := include "films.setting" (dict "root" . "section" "shutdown" "key" "grace") -}}
{{- $total := add (include "films.milliseconds" $lameDuck) (include "films.milliseconds" $grace) -}}
{{- add (divf $total 1000 | ceil | int) .Values.preStopSleepSeconds 15 -}}
{{- end -}}

{{- /* The port of a listener. Takes a dict: root, section. */ -}}
{{- define "films.port" -}}
{{- $listen := include "films.setting" (dict "root" .root "section" .section "key" "listen") -}}
{{- $port := regexFind "[0-9]+$" $listen -}}
{{- if or (not (regexMatch "^(0\\.0\\.0\\.0|\\[::\\]):[1-9][0-9]{0,4}$" $listen)) (gt (int $port) 65535) -}}
{{- fail (printf "config.%s.listen: found %s, expected 0.0.0.0:PORT or [::]:PORT with a port from 1 to 65535, because probes and Services reach the pod from outside. Listen on all addresses" .section $listen) -}}
{{- end -}}
{{- $port -}}
{{- end -}}

{{- define "films.httpPort" -}}
{{- include "films.port" (dict "root" . "section" "http") -}}
{{- end -}}

{{- define "films.adminPort" -}}
{{- $port := include "films.port" (dict "root" . "section" "admin") -}}
{{- if eq $port (include "films.httpPort" .) -}}
{{- fail (printf "config.admin.listen: found port %s, expected a port that config.http.listen does not use. Choose another port for one of the two" $port) -}}
{{- end -}}
{{- $port -}}
{{- end -}}

{{- /* The configuration file of the service: `config`, with the pool size that the budget allows. */ -}}
{{- define "films.config" -}}
{{- $database := .Values.config.database | default dict -}}
{{- $poolSize := dict "pool_size" (include "films.poolSize" . | int) -}}
{{- $database = merge $poolSize $database -}}
{{- merge (dict "database" $database) .Values.config | toYaml -}}
{{- end -}}
