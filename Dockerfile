# The official Airflow image with this checkout's provider installed, for docker-compose.yml.
FROM apache/airflow:3.3.2
COPY --chown=airflow:root pyproject.toml README.md LICENSE /opt/dynsync/
COPY --chown=airflow:root airflow_dynsync /opt/dynsync/airflow_dynsync
# Airflow's own version is named so that pip keeps the image's, as its documentation on extending images asks for.
RUN pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" /opt/dynsync
