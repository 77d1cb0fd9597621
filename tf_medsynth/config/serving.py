"""Settings of a server: where it listens, and how it merges and bounds requests."""

from __future__ import annotations

import dataclasses

from tf_medsynth.config.base import Config, check

PORTS = 65535


@dataclasses.dataclass(frozen=True)
class ServingConfig(Config):
    """What `tf_medsynth.serve` listens on and how much it takes at once.

    Port 0 takes a free one.
    """

    host: str = "127.0.0.1"
    """Address to listen on; there is no authentication, so others than this machine come in by choice."""
    port: int = 8501
    """Of REST; as TensorFlow Serving's."""
    grpc_port: int = 8500
    batch_limit: int = 32
    """Rows computed at once, and most rows of one request."""
    batch_wait_ms: float = 2.0
    """Milliseconds that a request waits for others to be computed with."""
    queue_limit: int = 64
    """Requests that may wait, and over REST, once arrived, be under way; the next is refused at once."""
    message_limit_mib: int = 256
    """Largest request in MiB, and over gRPC largest answer."""
    body_seconds: float = 60.0
    """In which a request must arrive over REST, from its head to its last byte; over gRPC the age at which
    a connection is to end, with five times as long for the calls that are under way."""
    grace_seconds: float = 30.0
    """After a signal to stop, time for the requests under way."""

    def __post_init__(self) -> None:
        """Checks ports and bounds."""
        for name in ("port", "grpc_port"):
            port = getattr(self, name)
            check(f"{name} must be a port, 0 to {PORTS}", 0 <= port <= PORTS, **{name: port})
        check("REST and gRPC need a port each", self.port != self.grpc_port or not self.port, port=self.port)
        for name in ("batch_limit", "queue_limit", "message_limit_mib", "body_seconds"):
            check(f"{name} must be positive", getattr(self, name) > 0, **{name: getattr(self, name)})
        check("gRPC messages are below 2048 MiB", self.message_limit_mib < 2048, mib=self.message_limit_mib)
        for name in ("batch_wait_ms", "grace_seconds"):
            check(f"{name} must not be negative", getattr(self, name) >= 0, **{name: getattr(self, name)})
