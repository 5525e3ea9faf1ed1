"""`ray_cluster.yaml` against Ray's own schema, and what it promises about safety."""

import json
from pathlib import Path

import jsonschema
import pytest
import ray
import yaml


@pytest.fixture(scope="module")
def cluster(repository: Path) -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load((repository / "ray_cluster.yaml").read_text())
    return loaded


def test_fits_rays_schema(cluster: dict[str, object]) -> None:
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    jsonschema.validate(cluster, schema)


def test_schema_would_refuse_a_typo(cluster: dict[str, object]) -> None:
    schema = json.loads((Path(ray.__file__).parent / "autoscaler" / "ray-schema.json").read_text())
    with pytest.raises(jsonschema.ValidationError, match="max_worker"):
        jsonschema.validate({**cluster, "max_worker": 3}, schema)


def test_has_a_head_and_both_kinds_of_worker(cluster: dict[str, object]) -> None:
    kinds = cluster["available_node_types"]
    assert isinstance(kinds, dict)
    assert cluster["head_node_type"] in kinds
    assert {"simulation", "training"} <= set(kinds)
    assert all(kinds[kind]["max_workers"] > 0 for kind in ("simulation", "training"))


def test_dashboard_is_on_loopback_and_every_node_asks_for_the_token(
    cluster: dict[str, object],
) -> None:
    head = " ".join(str(line) for line in cluster["head_start_ray_commands"])  # type: ignore[attr-defined] # a list, by the schema
    worker = " ".join(str(line) for line in cluster["worker_start_ray_commands"])  # type: ignore[attr-defined] # the same
    assert "--dashboard-host=127.0.0.1" in head
    assert "RAY_AUTH_MODE=token" in head
    assert "RAY_AUTH_MODE=token" in worker


def test_no_mount_carries_the_checkout(cluster: dict[str, object]) -> None:
    mounts = cluster["file_mounts"]
    assert isinstance(mounts, dict)
    sources = {str(source).rstrip("/") for source in mounts.values()}
    assert not sources & {".", "..", "./runs", "./examples", "~"}
