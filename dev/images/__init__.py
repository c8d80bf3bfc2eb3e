"""The project's images: built without a registry, and put into the cluster that is meant.

Use::

    from dev.images import ensure

    references = ensure(["operator", "app:1.0.0", "app:3.0.0-errors", "dev"])
    references["app:1.0.0"]  # "localhost/spark-app:1.0.0"

Names: ``operator``; ``app:VERSION``, a good release; ``app:VERSION-FAULT``, a release with one of
the faults in ``dev.images.specs.FAULTS``; ``dev``, which holds the providers' stand-in, the
users and the notifications' sink (``args: [dev.providers, ...]``); ``services``, with PostgreSQL,
Redis, NATS and a mail server.  What the cluster already has, made from the same inputs,
is neither built nor loaded again; so ``ensure`` is cheap to call.  From the command line:
``python -m dev.images load NAME...``.  With ``SPARK_IMAGES=loaded`` nothing is built or loaded:
the cluster is taken to have them.
"""

from dev.images.loading import ensure

__all__ = ["ensure"]
