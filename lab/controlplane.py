"""The control plane: etcd, the API server, and where wanted the managers, as daemons of this machine."""

import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import yaml

from lab import daemons
from lab.certificates import Authority
from lab.daemons import Daemon, wait_for
from lab.kubeconfig import write_kubeconfig
from lab.places import Places

READY_SECONDS = 60.0
SERVICE_CIDR = "10.96.0.0/16"
SERVICE_VIP = "10.96.0.1"  # the first of the range is the API server's own
POD_CIDR = "10.244.0.0/16"
MANAGERS = ("kube-controller-manager", "kube-scheduler")

Find = Callable[[str], Path]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the API server listens, and etcd beside it on loopback."""

    address: str
    port: int
    etcd_port: int
    etcd_peer_port: int

    @property
    def server(self) -> str:
        """The API server's address for clients."""
        return f"https://{self.address}:{self.port}"


@dataclass(slots=True)
class ControlPlane:
    """Starts the daemons of one lab. ``with_parent``: they end with this process.

    ``extra`` are more arguments for the API server.
    """

    places: Places
    find: Find
    endpoint: Endpoint
    with_parent: bool = False
    extra: Sequence[str] = ()
    authority: Authority = field(init=False)

    def __post_init__(self) -> None:
        self.places.make()
        self.authority = Authority(self.places.pki)

    def start_etcd(self) -> Daemon:
        """Start etcd. Its data are a test's: nothing is synced to disk, for speed."""
        client = f"http://127.0.0.1:{self.endpoint.etcd_port}"
        peer = f"http://127.0.0.1:{self.endpoint.etcd_peer_port}"
        arguments: list[str | Path] = [
            self.find("etcd"),
            "--data-dir",
            self.places.etcd,
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]
        daemon = self._start("etcd", arguments)
        self._ready(daemon, lambda: httpx2.get(f"{client}/readyz", timeout=2))
        return daemon

    def start_apiserver(self) -> Daemon:
        """Start the API server and wait until it is ready; the administrator's kubeconfig is written."""
        daemon = self._start("kube-apiserver", [self.find("kube-apiserver"), *self._apiserver_flags()])
        self.kubeconfig("kubeconfig", "admin", ["system:masters"])
        client = self.authority.issue("admin", "admin", ["system:masters"])
        verify = ssl.create_default_context(cafile=self.authority.pair.certificate)
        verify.load_cert_chain(client.certificate, client.key)
        self._ready(
            daemon,
            lambda: httpx2.get(f"{self.endpoint.server}/readyz", verify=verify, timeout=2, trust_env=False),
        )
        return daemon

    def start_managers(self) -> None:
        """Start the controller manager and the scheduler."""
        signing = self.authority.signing_key("service-accounts")
        for name in MANAGERS:
            config = self.kubeconfig(f"config/{name}.kubeconfig", f"system:{name}")
            arguments: list[str | Path] = [self.find(name), f"--kubeconfig={config}", "--leader-elect=false"]
            if name == "kube-controller-manager":
                arguments += [
                    f"--service-account-private-key-file={signing.key}",
                    f"--root-ca-file={self.authority.pair.certificate}",
                    "--use-service-account-credentials",
                    "--allocate-node-cidrs=false",
                    # Kubernetes' own patience with a silent node would hide what Milvus does in a drill.
                    "--node-monitor-grace-period=20s",
                    # Its own 20 requests a second make rollouts of many Milvuses at once a matter of minutes.
                    "--kube-api-qps=200",
                    "--kube-api-burst=400",
                ]
            else:
                # A claim bound just while its pod is found unschedulable may be missed: it is looked at
                # again after this long, five minutes if not told. No test waits for that.
                arguments += ["--pod-max-in-unschedulable-pods-duration=20s"]
            # Their health ports are fixed: several labs side by side would meet there.
            self._start(name, [*arguments, "--secure-port=0"])

    def kubeconfig(self, name: str, user: str, groups: Sequence[str] = ()) -> Path:
        """Write the kubeconfig of a client; gives its path below the lab's folder."""
        pair = self.authority.issue(user.replace(":", "-"), user, groups)
        path = self.places.root / name
        return write_kubeconfig(path, self.endpoint.server, self.authority.pair.certificate, pair)

    def _apiserver_flags(self) -> list[str]:
        places, authority = self.places, self.authority
        address = self.endpoint.address
        serving = authority.issue(
            "kube-apiserver",
            "kube-apiserver",
            names=[
                "kubernetes.default.svc",
                "kubernetes.default",
                "localhost",
                "127.0.0.1",
                SERVICE_VIP,
                address,
            ],
        )
        kubelet = authority.issue("kubelet-client", "kubelet-client", ["system:masters"])
        signing = authority.signing_key("service-accounts")
        policy = places.config / "audit-policy.yaml"
        policy.write_text(yaml.safe_dump(AUDIT_POLICY))
        return [
            f"--etcd-servers=http://127.0.0.1:{self.endpoint.etcd_port}",
            f"--service-cluster-ip-range={SERVICE_CIDR}",
            f"--bind-address={address}",
            f"--secure-port={self.endpoint.port}",
            f"--advertise-address={address}",
            f"--client-ca-file={authority.pair.certificate}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--service-account-key-file={signing.certificate}",
            f"--service-account-signing-key-file={signing.key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--kubelet-client-certificate={kubelet.certificate}",
            f"--kubelet-client-key={kubelet.key}",
            f"--kubelet-certificate-authority={authority.pair.certificate}",
            "--kubelet-preferred-address-types=InternalIP,Hostname",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            # Loopback is no endpoint that Kubernetes accepts; on nodes the address is a real one.
            f"--endpoint-reconciler-type={'none' if address.startswith('127.') else 'lease'}",
            "--profiling=false",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={places.audit_log}",
            # Whoever counts requests reads one file: a thousand Milvuses fill 100 MiB and more.
            "--audit-log-maxsize=500",
            "--audit-log-maxbackup=1",
            *self.extra,
        ]

    def _start(self, name: str, arguments: Sequence[str | Path]) -> Daemon:
        return daemons.start(self.places, name, arguments, with_parent=self.with_parent)

    def _ready(self, daemon: Daemon, ask: Callable[[], httpx2.Response]) -> None:
        for _ in wait_for(f"{daemon.name} ready", READY_SECONDS):
            daemons.check(self.places, daemon)
            try:
                if ask().status_code == httpx2.codes.OK:
                    return
            except httpx2.TransportError:
                continue


# Who asked for what is enough: bodies would make the log grow by megabytes a minute.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/openapi*", "/api*"]},
        {"level": "Metadata"},
    ],
}


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """Give free ports; held until all are known, so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((address, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
