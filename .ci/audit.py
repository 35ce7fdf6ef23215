"""Looks for known vulnerabilities of the pinned packages; where that can't be done, checks what was pinned.

    python .ci/audit.py [LOCK]

pip-audit asks PyPI's index of vulnerabilities about every package of the lock. Where it can't, one line says why, and
pip asks the package index for every file that was pinned for this system, and holds it against the lock's hashes.
Exits 1 where a vulnerability is known or a hash differs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

AUDIT = ("pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
FETCH = (
    *("pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--require-hashes"),
    *("--quiet", "--disable-pip-version-check"),
)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this environment."""
    return subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)


def known_vulnerabilities(lock: str) -> tuple[list[str], str]:
    """One line a vulnerability, and why they could not be asked for where they couldn't."""
    if find_spec("pip_audit") is None:
        return [], "pip-audit is not installed"
    result = run(*AUDIT, "--requirement", lock)
    try:
        packages = json.loads(result.stdout)["dependencies"]
    except ValueError:
        lines = result.stderr.strip().splitlines()
        return [], lines[-1] if lines else f"pip-audit ended with {result.returncode}"
    found = [
        f"{package['name']} {package['version']}: {known['id']}, fixed in {', '.join(known['fix_versions']) or 'none'}"
        for package in packages
        for known in package.get("vulns", [])
    ]
    # A mirror without the index answers "not found" for each package, which pip-audit does not count as a failure.
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    return found, f"{len(skipped)} of {len(packages)} packages: {skipped[0]}" if skipped else ""


def main(lock: str = "requirements.lock") -> int:
    """See the module's docstring."""
    vulnerabilities, why_not = known_vulnerabilities(lock)
    if vulnerabilities:
        print("\n".join(vulnerabilities))
        return 1
    if not why_not:
        print(f"{lock}: no package has a known vulnerability.")
        return 0
    print(f"The index of vulnerabilities could not be asked ({why_not}): the hashes of {lock} are checked instead.")
    fetched = run(*FETCH, "--requirement", lock)
    if fetched.returncode:
        print(fetched.stderr.strip())
        return 1
    print(f"{lock}: the package index has every file, with the hash that was pinned.")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
