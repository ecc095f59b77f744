"""From a manifest and its Secrets to what is asked: addresses, TLS and credentials, as Milvus uses them."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.milvus.config import bucket_name
from glede.milvus.credentials import setting_key
from glede.milvus.dependencies.credentials import STORAGE_KEYS, missing_keys, storage_keys
from glede.milvus.facts import SecretFacts
from glede.milvus.probe.target import Login, ProbeTarget, Tls
from glede.milvus.resolved import Dependency, Resolved

Secrets = Mapping[str, Mapping[str, bytes]]
# These clouds answer only to the bucket's own host name.
_VIRTUAL_HOSTS = {"aliyun", "tencent"}
_CA_KEY = "ca.crt"
_KAFKA_CA_KEY = "ca.pem"


def probe_target(resolved: Resolved, dependency: Dependency, secrets: Secrets) -> ProbeTarget:
    """Give what is asked of an external dependency.

    ``secrets`` are the Secrets that the manifest names and that exist: name to key to value.
    """
    settings = _Settings(resolved.milvus, secrets)
    if dependency.kind == "etcd":
        return _etcd(settings, dependency)
    if dependency.kind == "storage":
        return _storage(settings, dependency)
    return _log(settings, dependency)


def meta_prefix(milvus: Milvus) -> str:
    """Give the prefix in etcd below which a Milvus keeps what it knows."""
    settings = _Settings(milvus, {})
    return f"{settings.etcd_root()}/{settings.text('etcd', 'metasubpath', default='meta')}/"


def session_prefix(milvus: Milvus) -> str:
    """Give the prefix in etcd below which a Milvus's processes register themselves."""
    return f"{meta_prefix(milvus)}session/"


def tls_of_clients(milvus: Milvus, secrets: Secrets) -> Tls | None:
    """Give how clients reach a Milvus that serves with TLS (common.security.tlsMode 1 or 2); else None.

    Where it asks for a certificate, it is shown its own.
    """
    settings = _Settings(milvus, secrets)
    mode = settings.text("common", "security", "tlsmode").strip()
    if mode not in {"1", "2"}:
        return None
    pair = {"certificate": "serverpempath", "key": "serverkeypath"} if mode == "2" else {}
    return settings.tls("tls", authority="capempath", **pair)


class _Settings:
    """``spec.config`` as Milvus reads it: names without regard to case, switches as words."""

    def __init__(self, milvus: Milvus, secrets: Secrets) -> None:
        self.milvus = milvus
        self.secrets = secrets

    def text(self, *path: str, default: str = "") -> str:
        found: Any = self.milvus.spec.config
        for name in path:
            below = found.items() if isinstance(found, Mapping) else ()
            found = next((value for key, value in below if setting_key(str(key)) == name), None)
        return default if found is None or isinstance(found, Mapping) else str(found)

    def flag(self, *path: str) -> bool:
        return self.text(*path).strip().lower() in {"true", "1", "t"}

    def etcd_root(self) -> str:
        return self.text("etcd", "rootpath", default=self.milvus.metadata.name)

    def file(self, path: str) -> bytes | None:
        """Give what a file in Milvus's pods holds, where it comes from a Secret that the manifest mounts."""
        for mount in self.milvus.spec.components.volume_mounts or ():
            root = PurePosixPath(str(mount.get("mountPath", "")))
            if not path or not PurePosixPath(path).is_relative_to(root):
                continue
            inner = str(PurePosixPath(path).relative_to(root))
            inner = str(mount.get("subPath", "")) if inner == "." else inner
            return self._from_volume(str(mount.get("name")), inner)
        return None

    def _from_volume(self, name: str, path: str) -> bytes | None:
        for volume in self.milvus.spec.components.volumes or ():
            source = volume.get("secret")
            if volume.get("name") != name or not isinstance(source, Mapping):
                continue
            items = {str(item.get("path")): str(item.get("key")) for item in source.get("items") or ()}
            held = self.secrets.get(str(source.get("secretName")), {})
            return held.get(items.get(path, path) if items else path)
        return None

    def tls(self, *section: str, certificate: str = "", key: str = "", authority: str) -> Tls:
        """Read a section's files. An authority that is not found here leaves the certificate unchecked."""
        named = self.text(*section, authority)
        found = self.file(named)
        return Tls(
            authority=found,
            verify=not named or found is not None,
            certificate=self.file(self.text(*section, certificate)) if certificate else None,
            key=self.file(self.text(*section, key)) if key else None,
        )


def _target(settings: _Settings, dependency: Dependency, **values: Any) -> ProbeTarget:
    meta = settings.milvus.metadata
    return ProbeTarget(
        uid=meta.uid,
        owner=(meta.namespace, meta.name),
        kind=dependency.kind,
        type=dependency.type,
        endpoints=dependency.endpoints,
        **values,
    )


def _etcd(settings: _Settings, dependency: Dependency) -> ProbeTarget:
    tls = None
    if settings.flag("etcd", "ssl", "enabled"):
        tls = settings.tls("etcd", "ssl", certificate="tlscert", key="tlskey", authority="tlscacert")
    login = None
    if settings.flag("etcd", "auth", "enabled"):
        login = _login(settings.text("etcd", "auth", "username"), settings.text("etcd", "auth", "password"))
    return _target(settings, dependency, tls=tls, login=login, prefix=settings.etcd_root())


def _login(name: str, password: str) -> Login | None:
    return Login(name, password) if name or password else None


def _storage(settings: _Settings, dependency: Dependency) -> ProbeTarget:
    # What the operator runs is where it has put it, whatever the manifest's settings say.
    ours: Mapping[str, Any] = dependency.settings.get("minio", {})
    bucket = str(ours.get("bucketName") or "")
    cloud = settings.text("minio", "cloudprovider").lower()
    root = settings.text("minio", "rootpath", default="files")
    login, missing = _storage_login(settings, dependency)
    return _target(
        settings,
        dependency,
        tls=None if ours.get("useSSL") is False else _storage_tls(settings),
        login=login,
        missing=missing,
        bucket=bucket
        or settings.text("minio", "bucketname", default=bucket_name(settings.milvus.metadata.name)),
        prefix=f"{root.strip('/')}/",
        region=settings.text("minio", "region") or "us-east-1",
        virtual_host=settings.flag("minio", "usevirtualhost") or cloud in _VIRTUAL_HOSTS,
    )


def _storage_tls(settings: _Settings) -> Tls | None:
    ssl = settings.milvus.spec.dependencies.storage.ssl
    if not settings.flag("minio", "usessl") and not (ssl and ssl.enabled):
        return None
    if ssl and ssl.insecure_skip_verify:
        return Tls(verify=False)
    if ssl and ssl.ca_certificate_ref:
        authority = settings.secrets.get(ssl.ca_certificate_ref, {}).get(_CA_KEY)
        return Tls(authority=authority, verify=authority is not None)
    return settings.tls("minio", "ssl", authority="tlscacert")


def _storage_login(settings: _Settings, dependency: Dependency) -> tuple[Login | None, str]:
    """Give the keys, or what is missing; neither where the cloud's identity serves instead."""
    name = dependency.secret
    if name is None:
        account = settings.text("minio", "accesskeyid")
        return _login(account, settings.text("minio", "secretaccesskey")), ""
    held = settings.secrets.get(name)
    if held is None:
        return None, f"Secret {name} does not exist; create it with the keys {' and '.join(STORAGE_KEYS)}"
    facts = SecretFacts(frozenset(held), "")
    keys = storage_keys(facts)
    if lacking := missing_keys(facts, keys):
        return None, f"Secret {name} has no {' and no '.join(lacking)}; add it"
    access, secret = (held[key].decode(errors="replace") for key in keys)
    return Login(access, secret), ""


def _log(settings: _Settings, dependency: Dependency) -> ProbeTarget:
    if dependency.type == "kafka":
        return _kafka(settings, dependency)
    if dependency.type == "pulsar":
        return _pulsar(settings, dependency)
    return _target(settings, dependency)


def _kafka(settings: _Settings, dependency: Dependency) -> ProbeTarget:
    """Read Kafka's login, and the protocol that Milvus takes: with a login SASL_SSL, else the plain one."""
    login = _login(settings.text("kafka", "saslusername"), settings.text("kafka", "saslpassword"))
    authority, missing = None, ""
    if name := dependency.secret:
        held = settings.secrets.get(name, {})
        user, password = (held.get(key, b"").decode(errors="replace") for key in ("username", "password"))
        login, authority = _login(user, password), held.get(_KAFKA_CA_KEY)
        if not user or not password:
            missing = f"Secret {name} has no username or no password; write both into it"
    protocol = settings.text("kafka", "securityprotocol").upper() or ("SASL_SSL" if login else "")
    tls = None
    if authority:
        tls = Tls(authority=authority)
    elif protocol.endswith("SSL") or settings.flag("kafka", "ssl", "enabled"):
        tls = settings.tls("kafka", "ssl", certificate="tlscert", key="tlskey", authority="tlscacert")
    if not protocol.startswith("SASL"):
        login = None
    mechanism = settings.text("kafka", "saslmechanisms") or "PLAIN"
    return _target(settings, dependency, tls=tls, login=login, mechanism=mechanism, missing=missing)


def _pulsar(settings: _Settings, dependency: Dependency) -> ProbeTarget:
    """Read the token of the plugin ``token``; credentials of another plugin are not known here."""
    given = settings.text("pulsar", "authparams")
    token = ""
    if settings.text("pulsar", "authplugin").lower() == "token":
        if given.startswith("file:"):
            token = (settings.file(given.removeprefix("file:")) or b"").decode(errors="replace").strip()
        else:
            token = given.removeprefix("token:")
    return _target(settings, dependency, login=Login(token=token) if token else None)
