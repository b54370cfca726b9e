{{- /* Parts of the NetworkPolicies. Each component has its own policy, so that the chart works in a namespace
that denies all other traffic. */ -}}

{{- /* The head of a NetworkPolicy for the pods of one component. Takes a dict: root, component. */ -}}
{{- define "films.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "films.fullname" .root }}-{{ .component }}
  labels:
    {{- include "films.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "films.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end -}}

{{- /* A peer that matches the pods of these components in this release. Takes a dict: root, components. */ -}}
{{- define "films.peers" -}}
- podSelector:
    matchLabels:
      {{- omit (include "films.selector" (dict "root" .root "component" "") | fromYaml) "app.kubernetes.io/component" | toYaml | nindent 6 }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values: {{ toJson .components }}
{{- end -}}

{{- /* Egress to DNS, without a selector: each cluster runs DNS somewhere else, some in a node-local cache. */ -}}
{{- define "films.toDns" -}}
- ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
{{- end -}}

{{- /* Egress to the port of a URL. The host may be outside of the cluster. */ -}}
{{- define "films.toUrl" -}}
- ports:
    - protocol: TCP
      port: {{ regexFind ":[0-9]+(/|$)" . | trimAll ":/" | default (ternary "443" "80" (hasPrefix "https:" .)) }}
{{- end -}}

{{- define "films.toPostgres" -}}
{{- if eq .Values.postgres.mode "external" -}}
- ports:
    {{- range .Values.postgres.external.ports }}
    - { protocol: TCP, port: {{ . }} }
    {{- end }}
{{- else -}}
- ports:
    - { protocol: TCP, port: 5432 }
  to:
    {{- if eq .Values.postgres.mode "cnpg" }}
    - podSelector:
        matchLabels:
          cnpg.io/cluster: {{ include "films.postgresName" . }}
    {{- else }}
    {{- include "films.peers" (dict "root" . "components" (list "postgres")) | nindent 4 }}
    {{- end }}
{{- end -}}
{{- end -}}

{{- /* The pods that may connect to Postgres: only those that this release really has. */ -}}
{{- define "films.postgresClients" -}}
{{- $components := list "server" "test" -}}
{{- if eq .Values.migration.run "job" -}}
{{- $components = append $components "migrate" -}}
{{- end -}}
{{- include "films.peers" (dict "root" . "components" $components) -}}
{{- end -}}

{{- /* No selector matches the API server, because it is not a pod, and each cluster chooses the port. */ -}}
{{- define "films.toApiServer" -}}
- ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - { protocol: TCP, port: {{ . }} }
    {{- end }}
{{- end -}}
