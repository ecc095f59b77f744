"""What is rendered for dependencies is taken by a real API server, and starts a real etcd."""

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
from lab.api import ApiLab
from lab.binaries import find_binary
from lab.controlplane import free_ports
from lightkube import Client
from tests.kube.live import MANAGER, connected
from tests.kube.servers import answers, running
from tests.unit.milvus.dependency import container, env, in_cluster, milvus, rendered

from glede.kube.applied import owned_digest, rendered_digest
from glede.kube.objects import key_of
from glede.milvus.facts import Facts
from glede.milvus.kinds import RESOURCES

EVERYTHING = {
    "storage": {"inCluster": {"values": {"accessKey": "admin", "secretKey": "long-enough"}}},
    "etcd": {
        "inCluster": {
            "values": {
                "pdb": {"create": True, "minAvailable": "51%"},
                "tolerations": [{"operator": "Exists"}],
                "extraEnvVars": [{"name": "ETCD_LOG_LEVEL", "value": "warn"}],
                "image": {"pullSecrets": ["a"]},
                "persistence": {"enabled": False},
            }
        }
    },
}


@pytest.mark.parametrize("dependencies", [{}, EVERYTHING])
def test_the_api_server_takes_every_object_and_changes_nothing(
    api: ApiLab, kube: Client, dependencies: dict[str, Any]
) -> None:
    async def go() -> None:
        async with connected(api.kubeconfig) as transport:
            for obj in rendered(milvus(dependencies), Facts(nodes=3, zones=2)).values():
                obj["metadata"]["namespace"] = kube.namespace
                live = await transport.apply(RESOURCES[obj["kind"]], key_of(obj), obj)
                # What the API server writes otherwise would look like a third party's change for ever.
                assert owned_digest(live, MANAGER) == rendered_digest(obj), obj["kind"]

    asyncio.run(go())


def test_rendered_etcds_form_a_cluster_all_at_once_and_come_back(tmp_path: Path) -> None:
    main = container(rendered(milvus(in_cluster("etcd", {"replicaCount": 3}))), "a-etcd")
    ports = [free_ports(3) for _ in range(3)]
    for _ in range(2):
        with contextlib.ExitStack() as stack:
            for ordinal, (client, peer, metrics) in enumerate(ports):
                settings = {**env(main), "POD_NAME": f"a-etcd-{ordinal}"}
                text = "\n".join(f"{name}={value}" for name, value in settings.items())
                text = text.replace("$(POD_NAME)", f"a-etcd-{ordinal}").replace(
                    "/var/lib", str(tmp_path / str(ordinal))
                )
                text = re.sub(
                    r"a-etcd-(\d)\.a-etcd-headless\.ns:2380",
                    lambda m: f"127.0.0.1:{ports[int(m[1])][1]}",
                    text,
                )
                text = re.sub(r"a-etcd-\d\.a-etcd-headless\.ns:2379", f"127.0.0.1:{client}", text)
                for port, free in ((2379, client), (2380, peer), (2381, metrics)):
                    text = text.replace(f"0.0.0.0:{port}", f"127.0.0.1:{free}")
                (tmp_path / str(ordinal) / "etcd").mkdir(parents=True, exist_ok=True)
                variables = dict(line.split("=", 1) for line in text.splitlines())
                # Only the last one waits for the quorum: the others are started before it as pods are.
                url = f"http://127.0.0.1:{metrics}{main['readinessProbe']['httpGet']['path']}"
                ready = answers(url) if ordinal == 2 else lambda: True
                stack.enter_context(running([str(find_binary("etcd"))], variables, ready))
