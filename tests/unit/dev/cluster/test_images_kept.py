"""Which of containerd's images are ours, and which are left over."""

from __future__ import annotations

from dev.cluster.artifacts.images import obsolete, parse

OLD, NEW = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
LISTING = f"""REF TYPE DIGEST SIZE PLATFORMS LABELS
localhost/spark-app:1.0.0 application/vnd.oci.image.manifest.v1+json {NEW} 97.7 MiB linux/amd64 \
io.cri-containerd.image=managed,spark.dev/inputs=abc
localhost/spark-pause:1 application/vnd.oci.image.manifest.v1+json {OLD[:-1]}3 1.4 MiB linux/amd64 -
sha256:aaaa application/vnd.oci.image.manifest.v1+json {NEW} 97.7 MiB linux/amd64 -
sha256:bbbb application/vnd.oci.image.manifest.v1+json {OLD} 97.7 MiB linux/amd64 -
"""


def test_labels_and_digests_are_read() -> None:
    app, pause, *_ = parse(LISTING)
    assert app.reference == "localhost/spark-app:1.0.0"
    assert app.digest == NEW
    assert app.labels["spark.dev/inputs"] == "abc"
    assert "spark.dev/inputs" not in pause.labels
    assert parse("REF TYPE DIGEST SIZE PLATFORMS LABELS\n") == []


def test_only_unnamed_images_that_were_replaced_are_obsolete() -> None:
    assert obsolete(parse(LISTING)) == ["sha256:bbbb"]
