{{- /* Parts of the NetworkPolicies: every workload has one of its own, so that the chart works in a
namespace that denies everything else. */ -}}

{{- /* The head of a policy for one component. Takes a dict: root, component. */ -}}
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

{{- /* Pods of this release. Takes a dict: root, components. */ -}}
{{- define "films.peers" -}}
- podSelector:
    matchLabels:
      {{- omit (include "films.selector" (dict "root" .root "component" "") | fromYaml) "app.kubernetes.io/component" | toYaml | nindent 6 }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values: {{ toJson .components }}
{{- end -}}

{{- /* Egress: DNS is wherever the cluster has it, a node-local cache included. */ -}}
{{- define "films.toDns" -}}
- ports:
    - { protocol: UDP, port: 53 }
    - { protocol: TCP, port: 53 }
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

{{- /* The components that speak to Postgres. */ -}}
{{- define "films.postgresClients" -}}
{{ include "films.peers" (dict "root" . "components" (list "server" "migrate" "flask" "quart" "ceiling" "test")) }}
{{- end -}}

{{- /* The API server is no pod that a selector could name, and its port is the cluster's choice. */ -}}
{{- define "films.toApiServer" -}}
- ports:
    - { protocol: TCP, port: 443 }
    - { protocol: TCP, port: 6443 }
{{- end -}}
