{{- /* Refuses another superuser or database than the volume was created with: Postgres reads both names only when it
creates its data. A StatefulSet that runs knows them, and so does the Secret that an uninstall leaves. */ -}}
{{- define "films.checkVolume" -}}
{{- if .Values.postgres.embedded.persistence.enabled -}}
{{- $name := include "films.postgresName" . -}}
{{- $statefulSet := lookup "apps/v1" "StatefulSet" .Release.Namespace $name | default dict -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (printf "%s-roles" $name) | default dict -}}
{{- $created := dict "user" (dig "data" "superuser" "" $secret | b64dec) "database" (dig "data" "database" "" $secret | b64dec) -}}
{{- $container := dig "spec" "template" "spec" "containers" list $statefulSet | first | default dict -}}
{{- range $variable := get $container "env" | default list -}}
{{- with get (dict "POSTGRES_USER" "user" "POSTGRES_DB" "database") $variable.name -}}
{{- $_ := set $created . $variable.value -}}
{{- end -}}
{{- end -}}
{{- range $key, $was := $created -}}
{{- $is := get $.Values.postgres $key -}}
{{- if and $was (ne $was $is) -}}
{{- fail (printf "postgres.%s: found %s, expected %s, with which the volume of Postgres was created. Set it back, or for a new, empty volume uninstall the release and run: kubectl --namespace %s delete pvc/data-%s-0 secret/%s-roles" $key $is $was $.Release.Namespace $name $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Not empty if an uninstall leaves the Cluster. With `helm upgrade --reuse-values` from a release without the value,
it is missing, and the data stays. */ -}}
{{- define "films.keepCluster" -}}
{{- if ne (toString .Values.postgres.cnpg.keep) "false" -}}
true
{{- end -}}
{{- end -}}
