{{/* Prefix of the names of all objects. */}}
{{- define "herald.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What selects pods: never changes over the life of a release. */}}
{{- define "herald.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "herald.labels" -}}
{{ include "herald.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "herald.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ printf "%s@%s" .repository .digest }}
{{- else -}}
{{ printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "herald.controller.serviceAccount" -}}
{{- default (printf "%s-controller" (include "herald.fullname" .)) .Values.controller.serviceAccount.name -}}
{{- end -}}

{{- define "herald.speaker.serviceAccount" -}}
{{- default (printf "%s-speaker" (include "herald.fullname" .)) .Values.speaker.serviceAccount.name -}}
{{- end -}}

{{/* Annotations of pods: the user's, and those that make Prometheus scrape. Arguments: root, component. */}}
{{- define "herald.podAnnotations" -}}
{{- $component := index .root.Values .component -}}
{{- if .root.Values.metrics.scrapeAnnotations }}
prometheus.io/scrape: "true"
prometheus.io/path: /metrics
prometheus.io/port: {{ $component.httpPort | quote }}
{{- end }}
{{- with $component.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Probes of both daemons: alive is not the same as ready. */}}
{{- define "herald.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}

{{/* A duration in whole seconds. */}}
{{- define "herald.seconds" -}}
{{- $zero := toDate "2006-01-02" "2000-01-01" -}}
{{- sub (mustDateModify (printf "+%s" .) $zero | unixEpoch) (unixEpoch $zero) -}}
{{- end -}}

{{/* The speaker's time to end: what it may take itself is 8 s more than the longer of its deadlines. */}}
{{- define "herald.speaker.gracePeriod" -}}
{{- $least := add 9 (max (include "herald.seconds" .leaveDeadline) (include "herald.seconds" .bgpDrainTime)) -}}
{{- if lt (int64 .terminationGracePeriodSeconds) $least -}}
{{- fail (printf "speaker.terminationGracePeriodSeconds is %d, too short for speaker.leaveDeadline (%s) and speaker.bgpDrainTime (%s): set it to %d or more" (int64 .terminationGracePeriodSeconds) .leaveDeadline .bgpDrainTime $least) -}}
{{- end -}}
{{- .terminationGracePeriodSeconds -}}
{{- end -}}
