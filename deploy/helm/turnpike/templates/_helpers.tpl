{{/* All but the migration are named for the release and the service. Short enough for the names of pods. */}}
{{- define "turnpike.name" -}}
{{- if contains "turnpike" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-turnpike" (.Release.Name | trunc 31 | trimSuffix "-") }}{{ end }}
{{- end }}

{{/* What selects a service's pods. Takes (list $ "gateway"). */}}
{{- define "turnpike.selector" -}}
app.kubernetes.io/name: turnpike
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Takes (list $ "gateway"). */}}
{{- define "turnpike.labels" -}}
{{ include "turnpike.selector" . }}
{{- with index . 0 }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}
{{- end }}

{{- define "turnpike.secret" -}}
{{ .Values.secret.existing | default (include "turnpike.name" .) }}
{{- end }}

{{- define "turnpike.serviceAccount" -}}
{{ .Values.serviceAccount.existing | default (include "turnpike.name" .) }}
{{- end }}

{{/* What every pod's spec begins with. */}}
{{- define "turnpike.pod" -}}
serviceAccountName: {{ include "turnpike.serviceAccount" . }}
automountServiceAccountToken: false
# Kubernetes would tell of services in TURNPIKE_* variables, which are read as settings.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A pod with other secrets is another pod. */}}
{{- define "turnpike.podAnnotations" -}}
checksum/secret: {{ include (print $.Template.BasePath "/secret.yaml") . | sha256sum }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Spreads a service over nodes. Takes (list $ "gateway"). */}}
{{- define "turnpike.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "turnpike.selector" . | nindent 8 }}
{{- end }}

{{/* What every container has. */}}
{{- define "turnpike.container" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
env:
  - name: TURNPIKE_ADDR
    value: 0.0.0.0:8787
  # A folder that the process makes, for itself alone: the volume's own is the cluster's.
  - name: TURNPIKE_DATA_DIR
    value: /data/turnpike
  {{- range $variable, $key := dict "TURNPIKE_DATABASE_URL" "database-url" "TURNPIKE_REDIS_URL" "redis-url" "TURNPIKE_MASTER_KEY" "master-key" }}
  - name: {{ $variable }}
    valueFrom:
      secretKeyRef:
        name: {{ include "turnpike.secret" $ }}
        key: {{ $key }}
  {{- end }}
  {{- range $variable, $key := dict "TURNPIKE_OPERATOR_TOKEN" "operator-token" "TURNPIKE_SMTP__URL" "smtp-url" "TURNPIKE_PAYMENTS__STRIPE_API_KEY" "stripe-api-key" "TURNPIKE_PAYMENTS__STRIPE_WEBHOOK_SECRET" "stripe-webhook-secret" }}
  - name: {{ $variable }}
    valueFrom:
      secretKeyRef:
        name: {{ include "turnpike.secret" $ }}
        key: {{ $key }}
        optional: true
  {{- end }}
  {{- range $name, $value := merge (deepCopy .Values.settings) (dict "TURNPIKE_AUTH__TRUST_FORWARDED_FOR" (toString .Values.ingress.enabled) "TURNPIKE_GATEWAY_URL" (printf "http://%s-gateway" (include "turnpike.name" $))) }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
{{- end }}

{{/* What a container that serves has. */}}
{{- define "turnpike.serving" -}}
ports:
  - name: http
    containerPort: 8787
# A spool that is read, a schema that is brought up to date: that may take minutes.
startupProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 2
  failureThreshold: 150
livenessProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
  timeoutSeconds: 3
lifecycle:
  preStop:
    exec:
      command: [sleep, "5"] # until nobody sends it new calls
{{- end }}
