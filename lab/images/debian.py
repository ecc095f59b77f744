"""What Debian gives: the tools that make images, the base image's files, and package sources for builds."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.commands import run
from lab.errors import LabError
from lab.images.logged import logged

Say = Callable[[str], None]

INSTALL_SECONDS = 900.0
ROOT_FILES_SECONDS = 1200.0
PACKAGES = {"mmdebstrap": "mmdebstrap", "buildah": "buildah", "mvn": "maven", "ctr": "containerd"}
# Where a build finds the folder of `build_sources`. Each image has it, so no empty folder is left behind.
MOUNT = Path("/mnt")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_UNWANTED = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/doc/*")
_SETTINGS = ('APT::Install-Recommends "false"', 'Acquire::Languages "none"')
# The sources and apt settings of the machine that built an image are no business of who runs it.
_FORGET = 'rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/99mmdebstrap'


def prepare(say: Say, programs: Sequence[str] = ("mmdebstrap", "buildah")) -> None:
    """Install the Debian packages of programs that are missing.

    Raises LabError when that takes another user, another system or a network.
    """
    packages = sorted({PACKAGES[name] for name in programs if not shutil.which(name)})
    if not packages:
        return
    wanted = " ".join(packages)
    if os.getuid() != 0 or not shutil.which("apt-get"):
        found = "this system has no apt-get" if os.getuid() == 0 else f"user {os.getuid()} may not install"
        raise LabError(f"{wanted}: missing, and {found}; run `apt-get install {wanted}` as root on Debian")
    say(f"installing {wanted}")
    # Another apt-get may be at work: wait for it.
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=600", "-o", "Dpkg::Use-Pty=0"]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run([*apt, "update"], seconds=INSTALL_SECONDS, env=env)
    run([*apt, "install", "--no-install-recommends", *packages], seconds=INSTALL_SECONDS, env=env)


def root_files(suite: str, target: Path, log: Path, say: Say) -> None:
    """Write a tar of a suite's required packages, from the mirror that this machine uses. Raises LabError."""
    prepare(say)
    sources = target.with_name("debian.list")
    sources.write_text(sources_of(suite))
    options = [f"--aptopt={line}" for line in (*_SETTINGS, *_acquire())]
    options += [f"--dpkgopt=path-exclude={pattern}" for pattern in _UNWANTED]
    options += ["--dpkgopt=path-include=/usr/share/doc/*/copyright", f"--customize-hook={_FORGET}"]
    # A container gets its devices from what runs it.
    mode = ["--mode=root", "--variant=minbase", "--skip=output/dev"]
    logged(["mmdebstrap", *mode, *options, suite, target, sources], log, seconds=ROOT_FILES_SECONDS)


@contextmanager
def build_sources(suite: str) -> Iterator[Path]:
    """Give a folder with apt's configuration; mounted at MOUNT by a build, it stays out of the image.

    ``apt.conf`` is for the variable APT_CONFIG: this machine's mirror, proxy and certificates.
    """
    with TemporaryDirectory(prefix="glede-apt-") as name:
        folder = Path(name)
        lines = [
            *_SETTINGS,
            *_acquire(),
            f'Dir::Etc::sourcelist "{MOUNT}/debian.list"',
            'Dir::Etc::sourceparts "-"',
        ]
        certificates = Path(os.environ.get("SSL_CERT_FILE") or _CERTIFICATES)
        if certificates.exists():
            shutil.copyfile(certificates, folder / "ca.crt")
            lines.append(f'Acquire::https::CAInfo "{MOUNT}/ca.crt"')
        (folder / "debian.list").write_text(sources_of(suite))
        (folder / "apt.conf").write_text("".join(f"{line};\n" for line in lines))
        folder.chmod(0o755)  # apt downloads as a user of its own
        yield folder


def sources_of(suite: str) -> str:
    """Give a suite's package sources on the mirrors that apt is configured with. Raises LabError."""
    lines = source_lines(suite, _targets())
    if not lines:
        # A new machine's lists are missing, and with them the archives' origins.
        run(["apt-get", "-q", "update"], seconds=INSTALL_SECONDS)
        lines = source_lines(suite, _targets())
    if not lines:
        raise LabError(
            "apt: no source of Debian's packages is configured; add one, run `apt-get update`, try again"
        )
    return "".join(f"{line}\n" for line in lines)


def source_lines(suite: str, targets: str) -> list[str]:
    """Translate this machine's sources, ``ORIGIN|CODENAME|URI|COMPONENT`` a line, to those of a suite."""
    found: dict[str, None] = {}
    for target in targets.splitlines():
        origin, codename, address, component = target.split("|")
        _, dash, part = codename.partition("-")
        if origin == "Debian" and component == "main" and part in ("", "updates", "security"):
            found[f"deb {address} {suite}{dash}{part} main"] = None
    return list(found)


def _targets() -> str:
    form = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(COMPONENT)"
    return run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"])


def _acquire() -> list[str]:
    """Give apt's settings for downloads, such as proxies, each without its semicolon."""
    said = run(["apt-config", "dump"]).splitlines()
    wanted = [line.rstrip(";") for line in said if line.startswith("Acquire::")]
    return [line for line in wanted if not line.endswith('""') and "::Languages" not in line]
