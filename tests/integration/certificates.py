"""Certificates for servers and clients of the loopback."""

import subprocess
from pathlib import Path


def certificate(folder: Path, name: str, *more: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", key, "-out", cert]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", *more]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key
