-- Asks the operator once: the annotation's value is a token that is consumed once.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["spark.dev/abort"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
