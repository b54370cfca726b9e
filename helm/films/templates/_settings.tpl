{{- /* What the chart must know of the service's own settings. */ -}}

{{- /* Milliseconds of a duration such as 500ms, 5s or 1m 30s, whose form the schema has checked. */ -}}
{{- define "films.milliseconds" -}}
{{- $unit := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 -}}
{{- $sum = add $sum (mul (regexFind "[0-9]+" . | int64) (get $unit (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{- /* How long a pod may take to stop: what the service may, 10 s to flush telemetry and 1 s for the
admin port included, and 4 s for the kubelet and a slow node. */ -}}
{{- define "films.terminationGracePeriodSeconds" -}}
{{- $shutdown := .Values.config.shutdown | default dict -}}
{{- $lameDuck := include "films.milliseconds" ($shutdown.lame_duck | default "5s") -}}
{{- $grace := include "films.milliseconds" ($shutdown.grace | default "20s") -}}
{{- add (divf (add $lameDuck $grace) 1000 | ceil | int) .Values.preStopSleepSeconds 15 -}}
{{- end -}}

{{- /* The port of a listener. Takes a dict: key, value. */ -}}
{{- define "films.port" -}}
{{- if or (not (regexMatch "^(0\\.0\\.0\\.0|\\[::\\]):[1-9][0-9]{0,4}$" .value)) (gt (regexFind "[0-9]+$" .value | int) 65535) -}}
{{- fail (printf "%s: %s: expected 0.0.0.0:PORT or [::]:PORT, because probes and Services reach the pod from outside" .key .value) -}}
{{- end -}}
{{- regexFind "[0-9]+$" .value -}}
{{- end -}}

{{- define "films.httpPort" -}}
{{- $http := .Values.config.http | default dict -}}
{{- include "films.port" (dict "key" "config.http.listen" "value" ($http.listen | default "0.0.0.0:5000")) -}}
{{- end -}}

{{- define "films.adminPort" -}}
{{- $admin := .Values.config.admin | default dict -}}
{{- $port := include "films.port" (dict "key" "config.admin.listen" "value" ($admin.listen | default "0.0.0.0:9090")) -}}
{{- if eq $port (include "films.httpPort" .) -}}
{{- fail (printf "config.http.listen and config.admin.listen have the same port, %s: expected two" $port) -}}
{{- end -}}
{{- $port -}}
{{- end -}}

{{- /* The file the service reads: the config tree, with the pool size that the budget allows. */ -}}
{{- define "films.config" -}}
{{- $database := .Values.config.database | default dict -}}
{{- $poolSize := dict "pool_size" (include "films.poolSize" . | int) -}}
{{- $database = merge $poolSize $database -}}
{{- merge (dict "database" $database) .Values.config | toYaml -}}
{{- end -}}
