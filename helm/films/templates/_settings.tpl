{{- /* What the chart derives from the service's own settings. */ -}}

{{- /* A setting of the service, as a JSON object with the field value, which is null if the setting is missing.
Takes a dict: root, key (`http.listen`). */ -}}
{{- define "films.setting" -}}
{{- $names := splitList "." .key -}}
{{- dict "value" (dig (first $names) (last $names) nil .root.Values.config) | toJson -}}
{{- end -}}

{{- /* Converts a duration such as 500ms, 5s, 1m 30s or 3d into milliseconds. The schema has checked the form. */ -}}
{{- define "films.milliseconds" -}}
{{- $unit := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h|d|w)" . -1 -}}
{{- $sum = add $sum (mul (regexFind "[0-9]+" . | int64) (get $unit (regexFind "[a-z]+" .))) -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{- /* The time that a pod needs to stop: lame_duck and grace, and then 15 s more. The service takes up to 10 s of
these to flush telemetry and 1 s to close the admin port; 4 s are left for the kubelet and a slow node. */ -}}
{{- define "films.terminationGracePeriodSeconds" -}}
{{- $shutdown := .Values.config.shutdown -}}
{{- $total := add (include "films.milliseconds" $shutdown.lame_duck) (include "films.milliseconds" $shutdown.grace) -}}
{{- add (divf $total 1000 | ceil | int) .Values.preStopSleepSeconds 15 -}}
{{- end -}}

{{- define "films.httpPort" -}}
{{- regexFind "[0-9]+$" .Values.config.http.listen -}}
{{- end -}}

{{- define "films.adminPort" -}}
{{- regexFind "[0-9]+$" .Values.config.admin.listen -}}
{{- end -}}

{{- /* The configuration file of the service: `config`, with the pool size that the budget allows, and the fault
switch. */ -}}
{{- define "films.config" -}}
{{- $database := .Values.config.database | default dict -}}
{{- $poolSize := dict "pool_size" (include "films.poolSize" . | int) -}}
{{- $database = merge $poolSize $database -}}
{{- $faults := dict -}}
{{- if .Values.faults.enabled -}}
{{- $faults = dict "faults" (dict "enabled" true "token_file" "/etc/films-faults/token") -}}
{{- end -}}
{{- merge (dict "database" $database) $faults .Values.config | toYaml -}}
{{- end -}}

{{- /* Name of the Secret with the token of the fault switch, under the key `token`. */ -}}
{{- define "films.faultsSecret" -}}
{{- .Values.faults.existingSecret | default (printf "%s-faults" (include "films.fullname" .)) -}}
{{- end -}}
