"""Which programs there are, at which version, and where each one comes from.

A version is pinned three times: here, in the tool's go.mod, and in the digest of a download. To move one,
change all three, and run ``go mod tidy`` in the tool's folder; a test compares the first two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

TOOLS = Path(__file__).resolve().parent.parent / "tools"


@dataclass(frozen=True, slots=True)
class Release:
    """An official download for one kind of machine.

    ``digest`` is "sha256:HEX" or "sha512:HEX" of the file at ``url``; ``member`` is the program's path in
    that archive. ``label`` tells this file from a built one of the same name in the cache.
    """

    machine: str
    url: str
    digest: str
    member: str
    label: str


@dataclass(frozen=True, slots=True)
class Binary:
    """One program.

    ``tool`` is the folder below lab/tools whose go.mod pins it, ``package`` its main package there.
    ``version_call`` are the arguments that make it tell its version, ``says`` what a usable one then says:
    enough for the minor version, not the patch. ``disk_gb`` is what building it takes at the most.
    """

    name: str
    tool: str
    package: str
    version: str
    version_call: tuple[str, ...]
    says: str
    ldflags: str = ""
    tags: str = ""
    disk_gb: float = 4.0
    releases: tuple[Release, ...] = ()

    @property
    def built_as(self) -> str:
        """The file name that ``go build`` gives it: the package's last part that is not a major version."""
        parts = self.package.split("/")
        major = parts[-1][:1] == "v" and parts[-1][1:].isdigit()
        return parts[-2] if major else parts[-1]

    def release(self, machine: str) -> Release | None:
        """Give the download for a kind of machine ("amd64", "arm64"), if there is one."""
        return next((found for found in self.releases if found.machine == machine), None)


def _set(package: str, **values: str) -> str:
    """Give the linker flags that set string variables of a package."""
    return " ".join(f"-X {package}.{variable}={value}" for variable, value in values.items())


_KUBERNETES = "v1.34.4"
# Published in CHANGELOG-1.34.md of kubernetes/kubernetes.
_KUBERNETES_DIGESTS = {
    "amd64": "sha512:65c75e81e3ea488f6d42b493cad64d7577ddfa1e5372037a1c841ac069039997"
    "d359b5b2f2d44e7665bf04c48ed0065cf9d4c9801b1e63bb6a1b099ef00d4863",
    "arm64": "sha512:a1fad7060ed67b5634f32f3256a295179dd887dab5c82b8550c2eb62c69df34c"
    "fbb311c8f93e7608d558eba32b9e2ddc23976db39e512fd747cc6bf9b4c1765f",
}


def _kubernetes(
    name: str, says: str = "Kubernetes v1.34.", version_call: tuple[str, ...] = ("--version",)
) -> Binary:
    """Describe a program of Kubernetes. Without the linker flags an API server calls itself v0.0.0."""
    return Binary(
        name=name,
        tool="kubernetes",
        package=f"k8s.io/kubernetes/cmd/{name}",
        version=_KUBERNETES,
        version_call=version_call,
        says=says,
        ldflags=_set("k8s.io/component-base/version", gitVersion=_KUBERNETES, gitMajor="1", gitMinor="34"),
        # All six left about 5 GB in Go's caches and are 0.5 GB; the rest is room while compiling.
        disk_gb=9.0,
        releases=tuple(
            Release(
                machine=machine,
                url=f"https://dl.k8s.io/{_KUBERNETES}/kubernetes-server-linux-{machine}.tar.gz",
                digest=digest,
                member=f"kubernetes/server/bin/{name}",
                label=_KUBERNETES,
            )
            for machine, digest in _KUBERNETES_DIGESTS.items()
        ),
    )


# The archive of envtest: the list of digests that its repository keeps was not to be had for 1.34, so these
# are the ones that cert-manager's makefile-modules pins. Its etcd need only be of the same minor version.
_ENVTEST_DIGESTS = {
    "amd64": "sha256:c8500090806ed5ce4064eeeb2a5666476a5168c1f4ff0eadd54fe59b22c4baa7",
    "arm64": "sha256:cb56759108ea15933abf79d8573bbf66cca8c13e20425d7bc9f95941a060649d",
}
_ENVTEST = tuple(
    Release(
        machine=machine,
        url="https://github.com/kubernetes-sigs/controller-tools/releases/download/"
        f"envtest-v1.34.1/envtest-v1.34.1-linux-{machine}.tar.gz",
        digest=digest,
        member="controller-tools/envtest/etcd",
        label="envtest-v1.34.1",
    )
    for machine, digest in _ENVTEST_DIGESTS.items()
)

# Published in the release notes of v3.19.5.
_HELM_DIGESTS = {
    "amd64": "sha256:a0a5e8c592ed3f376ac110715eff214730c7422f9a44d96cf98117d2b8b0e6c0",
    "arm64": "sha256:ce02147ffee6d993bf8ae97a44a22e9e1daf0b69d2d5b69a0c8cf6706445ccf5",
}
_HELM = Binary(
    name="helm",
    tool="helm",
    package="helm.sh/helm/v3/cmd/helm",
    version="v3.19.5",
    version_call=("version", "--short"),
    says="v3.19.",
    # Without the other two `helm template` and `helm lint` take the cluster for a 1.20.
    ldflags=" ".join(
        (
            _set("helm.sh/helm/v3/internal/version", version="v3.19.5"),
            _set("helm.sh/helm/v3/pkg/chartutil", k8sVersionMajor="1", k8sVersionMinor="34"),
            _set("helm.sh/helm/v3/pkg/lint/rules", k8sVersionMajor="1", k8sVersionMinor="34"),
        )
    ),
    releases=tuple(
        Release(
            machine=machine,
            url=f"https://get.helm.sh/helm-v3.19.5-linux-{machine}.tar.gz",
            digest=digest,
            member=f"linux-{machine}/helm",
            label="v3.19.5",
        )
        for machine, digest in _HELM_DIGESTS.items()
    ),
)

_MINIO = Binary(
    name="minio",
    tool="minio",
    package="github.com/minio/minio",
    version="v0.0.0-20250907161309-07c3a429bfed",
    version_call=("--version",),
    says="RELEASE.2025-09-",
    ldflags=_set(
        "github.com/minio/minio/cmd",
        Version="2025-09-07T16:13:09Z",
        ReleaseTag="RELEASE.2025-09-07T16-13-09Z",
        CommitID="07c3a429bfed433e49018cb0f78a52145d4bedeb",
        ShortCommitID="07c3a429bfed",
        CopyrightYear="2025",
    ),
)


def _etcd(name: str, package: str, version_call: str, releases: tuple[Release, ...] = ()) -> Binary:
    """Describe a program of etcd."""
    return Binary(
        name=name,
        tool="etcd",
        package=package,
        version="v3.6.16",
        version_call=(version_call,),
        says=f"{name} {'Version' if name == 'etcd' else 'version'}: 3.6.",
        releases=releases,
    )


def _prometheus(name: str) -> Binary:
    """Describe a program of Prometheus; of its service discoveries only files and Kubernetes are built in."""
    return Binary(
        name=name,
        tool="prometheus",
        package=f"github.com/prometheus/prometheus/cmd/{name}",
        version="v0.313.5",
        version_call=("--version",),
        says=f"{name}, version 3.13.",
        ldflags=_set("github.com/prometheus/common/version", Version="3.13.5"),
        tags="remove_all_sd,enable_kubernetes_sd",
    )


BINARIES: dict[str, Binary] = {
    binary.name: binary
    for binary in (
        _etcd("etcd", "go.etcd.io/etcd/server/v3", "--version", _ENVTEST),
        _etcd("etcdctl", "go.etcd.io/etcd/etcdctl/v3", "version"),
        _kubernetes("kube-apiserver"),
        _kubernetes("kube-controller-manager"),
        _kubernetes("kube-scheduler"),
        _kubernetes("kubelet"),
        _kubernetes("kube-proxy"),
        _kubernetes("kubectl", "Client Version: v1.34.", ("version", "--client")),
        Binary(
            name="kwok",
            tool="kwok",
            package="sigs.k8s.io/kwok/cmd/kwok",
            version="v0.7.0",
            version_call=("--version",),
            says="kwok version v0.7.",
        ),
        Binary(
            name="coredns",
            tool="coredns",
            package="github.com/coredns/coredns",
            version="v1.14.7",
            version_call=("-version",),
            says="CoreDNS-1.14.",
        ),
        Binary(
            name="metrics-server",
            tool="metrics-server",
            package="sigs.k8s.io/metrics-server/cmd/metrics-server",
            version="v0.9.0",
            version_call=("--version",),
            says="v0.9.",
            ldflags=_set("k8s.io/client-go/pkg/version", gitVersion="v0.9.0"),
        ),
        _HELM,
        _MINIO,
        _prometheus("prometheus"),
        _prometheus("promtool"),
    )
}


def named(names: Sequence[str]) -> list[Binary]:
    """Give the programs of these names, in their order and each once. Raises LabError for an unknown one."""
    for name in names:
        if name not in BINARIES:
            known = ", ".join(BINARIES)
            raise LabError(f"{name}: not a program of the lab; take one of {known}")
    return [BINARIES[name] for name in dict.fromkeys(names)]
