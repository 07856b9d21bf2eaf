"""Certificates of a test cluster, made by the openssl command: elliptic keys, valid for a day."""

import os
import subprocess


def _openssl(*args, stdin=None):
    p = subprocess.run(["openssl", *args], input=stdin, text=True, capture_output=True)
    assert p.returncode == 0, f"openssl {' '.join(args)}: {p.stderr}"
    return p.stdout


class Authority:
    """A CA in a folder of its own; .cert is the file with its certificate."""

    def __init__(self, folder, name="test-ca"):
        os.makedirs(folder, exist_ok=True)
        self.dir, self.cert, self.key = folder, f"{folder}/ca.crt", f"{folder}/ca.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-keyout", self.key, "-out", self.cert, "-subj", f"/CN={name}", "-days", "1",
                 "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")

    def issue(self, name, names=(), client=False, days=1):
        """(certificate, key) files for a common name; names: DNS names and IP addresses.

        days below 0: it has expired. name may hold more of the subject ("x/O=system:masters").
        """
        stem = f"{self.dir}/{name.replace('/', '_').replace(':', '_')}"
        key, csr, cert = f"{stem}.key", f"{stem}.csr", f"{stem}.crt"
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                 "-keyout", key, "-out", csr, "-subj", f"/CN={name}")
        usage = "clientAuth" if client else "serverAuth"
        ext = f"basicConstraints=CA:FALSE\nextendedKeyUsage={usage}\n"
        if names:
            kinds = ("IP" if ":" in n or n.replace(".", "").isdigit() else "DNS" for n in names)
            ext += "subjectAltName=" + ",".join(f"{k}:{n}" for k, n in zip(kinds, names)) + "\n"
        with open(f"{stem}.ext", "w") as f:
            f.write(ext)
        _openssl("x509", "-req", "-in", csr, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
                 "-out", cert, "-days", str(days), "-extfile", f"{stem}.ext")
        return cert, key
