# Targets: operator, app.  Where there is no registry, BASE names a local image with Python 3.11.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/venv

# The secrets are the building machine's pip settings and authority, where it needs any.
FROM builder AS operator-venv
COPY requirements/operator.lock /tmp/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/spark-ca.pem \
    --mount=type=cache,target=/root/.cache/pip \
    /opt/venv/bin/pip install -q --require-hashes --only-binary :all: -r /tmp/operator.lock \
    && /opt/venv/bin/pip uninstall -q -y pip setuptools

FROM builder AS app-venv
COPY requirements/app.lock /tmp/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/spark-ca.pem \
    --mount=type=cache,target=/root/.cache/pip \
    /opt/venv/bin/pip install -q --require-hashes --only-binary :all: -r /tmp/app.lock \
    && /opt/venv/bin/pip uninstall -q -y pip setuptools

# Compiled here, since nothing can be written where it runs.
FROM builder AS operator-source
COPY operator/spark_operator /opt/spark/spark_operator
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/spark

FROM builder AS app-source
COPY spark_app /opt/spark/spark_app
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/spark

FROM ${BASE} AS runtime
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/spark \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
WORKDIR /opt/spark

FROM runtime AS operator
COPY --from=operator-venv /opt/venv /opt/venv
COPY --from=operator-source /opt/spark /opt/spark
USER 65532:65532
ENTRYPOINT ["python", "-m", "spark_operator"]

FROM runtime AS app
COPY --from=app-venv /opt/venv /opt/venv
COPY --from=app-source /opt/spark /opt/spark
USER 65532:65532
EXPOSE 3000
ENTRYPOINT ["python", "-m", "spark_app"]
ARG VERSION=0.0.0
ENV SPARK_VERSION=${VERSION}
