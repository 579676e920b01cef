#!/usr/bin/env bash
# Writes the alerts of deploy/prometheus as the Prometheus Operator takes them, since kustomize cannot put one file into
# another. Run it when they have changed, from the root of the repository; a test tells if that was forgotten.
#
#   deploy/k8s/components/monitoring/prometheus_rule.sh > deploy/k8s/components/monitoring/prometheus-rule.yaml
set -euo pipefail

cat <<'HEADER'
# Made by prometheus_rule.sh from deploy/prometheus/upscaler.rules.yaml: change that one.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: upscaler
spec:
HEADER
sed 's/^./  &/' "$(dirname "$0")/../../../prometheus/upscaler.rules.yaml"
