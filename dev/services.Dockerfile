# What a release depends on, for tests in a cluster: PostgreSQL, Redis, NATS, and a mail server that
# prints what it takes.  All from the distribution, on the same base as the product's images.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS services
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Nothing is started while packages are installed, and initdb wants a name for its user.
RUN mkdir -p /etc/postgresql-common \
    && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
    && printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d \
    && apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        nats-server postgresql-15 python3-aiosmtpd redis-server \
    && rm -rf /var/lib/apt/lists/* \
    && echo 'services:x:65532:65532::/tmp:/bin/sh' >> /etc/passwd
USER 65532:65532
