{{- /* The number of pods in the Deployment, or nothing.

With autoscaling, the HorizontalPodAutoscaler decides. Helm would remove the field when autoscaling is switched
on, and the API server would reset the number to 1 until the HorizontalPodAutoscaler acts. So the field keeps the
number that the live Deployment has. Without a cluster (`helm template`, GitOps) or a Deployment the field is left
out, because a fixed number would undo the scaling at each sync. */ -}}
{{- define "films.replicas" -}}
{{- $scaling := .Values.autoscaling -}}
{{- if $scaling.enabled -}}
{{- with lookup "apps/v1" "Deployment" .Release.Namespace (include "films.fullname" .) -}}
{{- dig "spec" "replicas" 1 . | int | max (int $scaling.minReplicas) | min (int $scaling.maxReplicas) -}}
{{- end -}}
{{- else -}}
{{- .Values.replicas -}}
{{- end -}}
{{- end -}}
