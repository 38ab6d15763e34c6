"""Makes a virtual environment with what a checkout of the server asks for, in the versions that it has locked."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

INSTRUMENTED = ("redis", "threading")
"""Instrumentation that the server's own image has, and that matters here: spans of Redis commands, parents of storages."""


def interpreter(wanted: str | None, folder: Path) -> str:
    """A Python that the server can run on."""
    found = [wanted] if wanted else ["python3.12", "python3.13", sys.executable]
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.1[23]*/bin/python3"))
    for candidate in [*found, *([] if wanted else map(str, pyenv))]:
        path = shutil.which(candidate)
        if path and _version_of(path) >= (3, 12):
            return path
    raise SystemExit(f"no Python 3.12 or 3.13 to run {folder} on: name one with --python")


def _version_of(python: str) -> tuple[int, int]:
    script = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-c", script], capture_output=True, text=True)
    major, _, minor = done.stdout.strip().partition(" ")
    return (int(major), int(minor)) if done.returncode == 0 else (0, 0)


def environment(server: Path, python: str, work: Path) -> Path:
    """The interpreter of an environment that is made once for each set of requirements."""
    requirements = _requirements(server)
    key = hashlib.sha256("\n".join([python, *requirements]).encode()).hexdigest()[:16]
    folder = work / f"venv-{key}"
    if not (folder / "complete").exists():
        print(f"installing what the server needs into {folder} (once)", flush=True)
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *requirements], check=True)
        (folder / "complete").touch()
    return folder / "bin/python"


def _requirements(server: Path) -> list[str]:
    project = tomllib.loads((server / "pyproject.toml").read_text())["project"]
    lock = server / "uv.lock"
    packages = tomllib.loads(lock.read_text())["package"] if lock.exists() else []
    versions = {package["name"]: package.get("version") for package in packages}
    wanted = [_pinned(text, versions) for text in project["dependencies"]]
    contrib = versions.get("opentelemetry-instrumentation")
    return wanted + [
        f"opentelemetry-instrumentation-{name}" + (f"=={contrib}" if contrib else "") for name in INSTRUMENTED
    ]


def _pinned(requirement: str, versions: dict[str, str | None]) -> str:
    name = requirement
    for sign in "<>=!~[; ":
        name = name.split(sign)[0]
    version = versions.get(name)
    return f"{name}=={version}" if version else requirement
