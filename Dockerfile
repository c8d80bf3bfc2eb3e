# Targets: operator, app.  Where there is no registry, BASE names a local image with Python 3.11.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS runtime
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/spark \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
WORKDIR /opt/spark

# Wheels only, so nothing is left behind that would need a stage of its own.  The secrets are the
# building machine's pip settings and certificate authority, where it needs any.
FROM runtime AS operator-dependencies
COPY requirements/operator.lock /opt/spark/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/spark-ca.pem \
    --mount=type=cache,target=/var/cache/pip \
    python3 -m venv /opt/venv \
    && pip --disable-pip-version-check --cache-dir /var/cache/pip install -q \
        --require-hashes --only-binary :all: -r /opt/spark/operator.lock \
    && pip uninstall -q -y pip setuptools

FROM runtime AS app-dependencies
COPY requirements/app.lock /opt/spark/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca,target=/run/spark-ca.pem \
    --mount=type=cache,target=/var/cache/pip \
    python3 -m venv /opt/venv \
    && pip --disable-pip-version-check --cache-dir /var/cache/pip install -q \
        --require-hashes --only-binary :all: -r /opt/spark/app.lock \
    && pip uninstall -q -y pip setuptools
# The package is no distribution here, so nothing has made its command.
RUN printf '#!/opt/venv/bin/python\nimport sys\n\nfrom spark_app.commands.cli import main\n\nsys.exit(main())\n' \
        > /opt/venv/bin/spark-app \
    && chmod 755 /opt/venv/bin/spark-app

# Compiled here, since nothing can be written where it runs.
FROM runtime AS operator-source
COPY operator/spark_operator /opt/spark/spark_operator
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/spark

FROM runtime AS app-source
COPY spark_app /opt/spark/spark_app
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/spark

FROM operator-dependencies AS operator
COPY --from=operator-source /opt/spark /opt/spark
USER 65532:65532
ENTRYPOINT ["python", "-m", "spark_operator"]

FROM app-dependencies AS app
COPY --from=app-source /opt/spark /opt/spark
USER 65532:65532
EXPOSE 3000
ENTRYPOINT ["python", "-m", "spark_app"]
ARG VERSION=0.0.0
ENV SPARK_VERSION=${VERSION}
