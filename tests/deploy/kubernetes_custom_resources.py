"""What the Prometheus Operator's and KEDA's kinds look like, as far as deploy/ uses them.

Kubernetes' own schemas do not have them. These were written from the operators' documentation: they say of each field in use
what it is and refuse every other, so that a new field has to be looked up there before it is added here.
"""

TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}
LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
DURATION = {"type": "string", "pattern": "^(0|([0-9]+(ms|[smhdwy]))+)$"}


def record(required: dict, optional: dict | None = None) -> dict:
    """An object of these fields and no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def many(items: dict) -> dict:
    return {"type": "array", "items": items, "minItems": 1}


def kind(api_version: str, name: str, spec: dict) -> dict:
    metadata = record({"name": TEXT}, {"labels": LABELS, "annotations": LABELS, "namespace": TEXT})
    return record(
        {
            "apiVersion": {"const": api_version},
            "kind": {"const": name},
            "metadata": metadata,
            "spec": spec,
        }
    )


POD_MONITOR = record(
    {
        "selector": record({"matchLabels": LABELS}),
        "podMetricsEndpoints": many(record({"port": TEXT}, {"interval": DURATION})),
    },
    {"jobLabel": TEXT},
)

ALERT = record(
    {"alert": TEXT, "expr": TEXT},
    {"for": DURATION, "keep_firing_for": DURATION, "labels": LABELS, "annotations": LABELS},
)
RECORDING = record({"record": TEXT, "expr": TEXT}, {"labels": LABELS})
PROMETHEUS_RULE = record(
    {
        "groups": many(
            record(
                {"name": TEXT, "rules": many({"oneOf": [ALERT, RECORDING]})},
                {"interval": DURATION},
            )
        )
    }
)

# KEDA hands it to the autoscaler that it makes.
SCALING = record(
    {
        "stabilizationWindowSeconds": COUNT,
        "policies": many(
            record(
                {
                    "type": {"enum": ["Pods", "Percent"]},
                    "value": {"type": "integer", "minimum": 1},
                    "periodSeconds": {"type": "integer", "minimum": 1, "maximum": 1800},
                }
            )
        ),
    }
)
# KEDA's triggers take every value as text, numbers and truth too.
PROMETHEUS_TRIGGER = record(
    {
        "type": {"const": "prometheus"},
        "metadata": record(
            {
                "serverAddress": TEXT,
                "query": TEXT,
                "threshold": {"type": "string", "pattern": "^[0-9.]+$"},
            },
            {"ignoreNullValues": {"enum": ["true", "false"]}},
        ),
    },
    {"metricType": {"enum": ["AverageValue", "Value"]}},
)
SCALED_OBJECT = record(
    {"scaleTargetRef": record({"name": TEXT}), "triggers": many(PROMETHEUS_TRIGGER)},
    {
        "pollingInterval": COUNT,
        "minReplicaCount": COUNT,
        "maxReplicaCount": COUNT,
        "advanced": record(
            {
                "horizontalPodAutoscalerConfig": record(
                    {"behavior": record({"scaleUp": SCALING, "scaleDown": SCALING})}
                )
            }
        ),
    },
)

SCHEMAS = {
    "PodMonitor": kind("monitoring.coreos.com/v1", "PodMonitor", POD_MONITOR),
    "PrometheusRule": kind("monitoring.coreos.com/v1", "PrometheusRule", PROMETHEUS_RULE),
    "ScaledObject": kind("keda.sh/v1alpha1", "ScaledObject", SCALED_OBJECT),
}
