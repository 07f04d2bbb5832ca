"""Provider metadata."""


def get_provider_info():
    return {"package-name": "airflow-dynsync", "name": "DynSync", "description": "", "versions": ["0.1.0"]}
