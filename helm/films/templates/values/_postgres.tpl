{{- /* Checks of Postgres: its mode, its parameters and its volume. */ -}}

{{- define "films.checks.postgres" -}}
{{- with .Values.postgres }}
{{- if and (eq .mode "cnpg") .cnpg.readReplicas (lt (int .cnpg.instances) 2) }}
postgres.cnpg.instances: found {{ .cnpg.instances }}, expected at least 2 while postgres.cnpg.readReplicas is true, because the first instance is the primary. Raise the number of instances or set readReplicas to false
{{- end }}
{{- $number := dig "synchronous" "number" 0 .cnpg | int }}
{{- if and (eq .mode "cnpg") (gt (int .cnpg.instances) 1) (ge $number (int .cnpg.instances)) }}
postgres.cnpg.synchronous.number: found {{ $number }}, expected less than postgres.cnpg.instances, which is {{ .cnpg.instances }}, because one instance is the primary. Lower the number or raise the number of instances
{{- end }}
{{- if hasPrefix "pg_" .user }}
postgres.user: found {{ .user }}, expected a name that does not begin with pg_, which Postgres reserves. Choose another name
{{- end }}
{{- if has .database (list "template0" "template1") }}
postgres.database: found {{ .database }}, expected another name, because new databases are copies of this one. Choose another name
{{- end }}
{{- if and (ne .mode "embedded") .embedded.existingSecret }}
postgres.embedded.existingSecret: found {{ .embedded.existingSecret }}, expected nothing while postgres.mode is {{ .mode }}, because only the embedded Postgres reads it. Set postgres.mode to embedded or remove the value
{{- end }}
{{- end }}
{{- end -}}

{{- define "films.checks.external" -}}
{{- $external := .Values.postgres.external }}
{{- if ne .Values.postgres.mode "external" }}
{{- range $key := list "url" "migrationUrl" "readUrl" "existingSecret" "migrationUrlKey" "readUrlKey" "secretKeys" }}
{{- if get $external $key }}
postgres.external.{{ $key }}: found a value, expected none while postgres.mode is {{ $.Values.postgres.mode }}, because the release would use another Postgres. Set postgres.mode to external or remove the value
{{- end }}
{{- end }}
{{- else if $external.existingSecret }}
{{- if $external.url }}
postgres.external: found both url and existingSecret, expected one of them. Remove url if the Secret holds the URL, or else remove existingSecret
{{- end }}
{{- range $key := list "migrationUrl" "readUrl" }}
{{- if get $external $key }}
postgres.external.{{ $key }}: found a URL, expected none while existingSecret is set. Put the URL into that Secret and set {{ $key }}Key to the key
{{- end }}
{{- end }}
{{- if and $external.secretKeys (not (hasKey $external.secretKeys "PGHOST")) }}
postgres.external.secretKeys: found no key for PGHOST, expected one, because the service would connect to localhost. Add the key of the host
{{- end }}
{{- else if not $external.url }}
postgres.external: found neither url nor existingSecret, expected one of them while postgres.mode is external. Set url, or set existingSecret to a Secret that holds the URL
{{- else }}
{{- range $key := list "migrationUrlKey" "readUrlKey" "secretKeys" }}
{{- if get $external $key }}
postgres.external.{{ $key }}: found a value, expected none without existingSecret. Set existingSecret, or set a URL in place of the key
{{- end }}
{{- end }}
{{- range $key := list "url" "migrationUrl" "readUrl" }}
{{- with get $external $key }}
{{- if not (regexMatch "^postgres(ql)?://\\S+$" .) }}
postgres.external.{{ $key }}: found another text (not shown, because it may contain a password), expected postgres://user:password@host:5432/database. Correct the URL
{{- else }}
{{- $port := include "films.urlPort" . }}
{{- if not (has $port (splitList " " (join " " $external.ports))) }}
postgres.external.ports: found {{ join ", " $external.ports }}, expected {{ $port }} among them, which is the port of postgres.external.{{ $key }}, because the NetworkPolicies block every other port. Add the port
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* The port of a URL, 5432 if it has none. */ -}}
{{- define "films.urlPort" -}}
{{- $host := regexReplaceAll "^[a-z]+://([^/?]*@)?([^/?]*).*$" . "${2}" -}}
{{- regexFind "[?&]port=[0-9]+" . | default (regexFind ":[0-9]+$" $host) | regexFind "[0-9]+" | default "5432" -}}
{{- end -}}

{{- define "films.checks.parameters" -}}
{{- $own := dict "max_connections" "postgres.maxConnections" "port" "" "listen_addresses" "" "unix_socket_directories" "" "data_directory" "" "config_file" "" "hba_file" "" "ident_file" "" }}
{{- range $mode := list "embedded" "cnpg" }}
{{- $seen := dict }}
{{- range $name, $value := (get $.Values.postgres $mode).parameters }}
{{- $lower := lower $name }}
{{- if hasKey $own $lower }}
postgres.{{ $mode }}.parameters.{{ $name }}: found a parameter that the chart sets, expected any other. {{ with get $own $lower }}Set {{ . }} instead{{ else }}Remove it{{ end }}
{{- end }}
{{- if hasKey $seen $lower }}
postgres.{{ $mode }}.parameters.{{ $name }}: found the same parameter as {{ get $seen $lower }}, expected it once, because Postgres ignores the case. Remove one of the two
{{- end }}
{{- $_ := set $seen $lower $name }}
{{- if regexMatch "(^|\\s)-(c|-)" (toString $value) }}
postgres.{{ $mode }}.parameters.{{ $name }}: found {{ toString $value | quote }}, expected a single value without options of the command line. Set each parameter by its own name
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Kubernetes does not change the volumes of a StatefulSet. Without a cluster, lookup finds nothing. */ -}}
{{- define "films.checks.volume" -}}
{{- if eq .Values.postgres.mode "embedded" }}
{{- $name := include "films.postgresName" . }}
{{- $wanted := .Values.postgres.embedded.persistence }}
{{- $live := lookup "apps/v1" "StatefulSet" .Release.Namespace $name }}
{{- if $live }}
{{- $claims := dig "spec" "volumeClaimTemplates" list $live }}
{{- if ne (not (empty $claims)) $wanted.enabled }}
postgres.embedded.persistence.enabled: found {{ $wanted.enabled }}, expected {{ not $wanted.enabled }}, as at the install, because Kubernetes does not change the volumes of a StatefulSet. Save the data with pg_dump, delete the StatefulSet {{ $name }}, upgrade, and restore the data
{{- else if $claims }}
{{- $claim := first $claims }}
{{- $size := dig "spec" "resources" "requests" "storage" "" $claim }}
{{- if ne (include "films.bytes" $wanted.size) (include "films.bytes" $size) }}
postgres.embedded.persistence.size: found {{ $wanted.size }}, expected {{ $size }}, as at the install, because Kubernetes does not change the volumes of a StatefulSet. To grow the volume, if its StorageClass allows it: kubectl --namespace {{ .Release.Namespace }} patch pvc data-{{ $name }}-0 --patch '{"spec":{"resources":{"requests":{"storage":"{{ $wanted.size }}"}}}}', then kubectl --namespace {{ .Release.Namespace }} delete statefulset {{ $name }} --cascade=orphan, then upgrade again
{{- end }}
{{- $class := dig "spec" "storageClassName" "" $claim }}
{{- if ne $class (toString $wanted.storageClassName) }}
postgres.embedded.persistence.storageClassName: found {{ $wanted.storageClassName | quote }}, expected {{ $class | quote }}, as at the install, because Kubernetes does not change the volumes of a StatefulSet. To move the data, save it with pg_dump, delete the StatefulSet {{ $name }} and the PersistentVolumeClaim data-{{ $name }}-0, upgrade, and restore the data
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* A size of a volume in bytes, because 2048Mi and 2Gi are equal. */ -}}
{{- define "films.bytes" -}}
{{- $unit := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- mulf (regexFind "^[0-9.]+" . | float64) (get $unit (regexFind "[A-Za-z]*$" .)) | int64 -}}
{{- end -}}

{{- /* Refuses another superuser or database than the volume was created with: Postgres reads both names only when it
creates its data. A running StatefulSet has both names, and so has the Secret that an uninstall leaves. */ -}}
{{- define "films.checks.created" -}}
{{- if and (eq .Values.postgres.mode "embedded") .Values.postgres.embedded.persistence.enabled }}
{{- $name := include "films.postgresName" . }}
{{- $statefulSet := lookup "apps/v1" "StatefulSet" .Release.Namespace $name | default dict }}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (printf "%s-roles" $name) | default dict }}
{{- $created := dict "user" (dig "data" "superuser" "" $secret | b64dec) "database" (dig "data" "database" "" $secret | b64dec) }}
{{- $container := dig "spec" "template" "spec" "containers" list $statefulSet | first | default dict }}
{{- range $variable := get $container "env" | default list }}
{{- with get (dict "POSTGRES_USER" "user" "POSTGRES_DB" "database") $variable.name }}
{{- $_ := set $created . $variable.value }}
{{- end }}
{{- end }}
{{- range $key, $was := $created }}
{{- $is := get $.Values.postgres $key }}
{{- if and $was (ne $was $is) }}
postgres.{{ $key }}: found {{ $is }}, expected {{ $was }}, with which the volume of Postgres was created. Set it back, or for a new, empty volume uninstall the release and run: kubectl --namespace {{ $.Release.Namespace }} delete pvc/data-{{ $name }}-0 secret/{{ $name }}-roles
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
