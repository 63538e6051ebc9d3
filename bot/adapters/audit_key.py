"""Signing checkpoints with Ed25519: whoever has the public key can check them, nobody else can make one."""

import hashlib

from bot.governance.checkpoint import Checkpoint, SignedCheckpoint

SHORTEST = 32
"""Characters of a secret that is worth signing with."""


class AuditKeyTooShort(Exception):
    """The secret of the settings could be guessed; fact `shortest`."""

    def __init__(self) -> None:
        super().__init__()
        self.facts = {"shortest": str(SHORTEST)}


class AuditKey:
    """The key that follows from the secret of the settings, the same each time."""

    def __init__(self, secret: str) -> None:
        """Raises AuditKeyTooShort."""
        if len(secret) < SHORTEST:
            raise AuditKeyTooShort
        # 6 MiB that most processes never need
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        seed = hashlib.sha256(f"spanwise audit checkpoint\n{secret}".encode()).digest()
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes_raw().hex()
        """In hex; goes to the auditor once, by another way than the checkpoints."""

    def sign(self, checkpoint: Checkpoint) -> SignedCheckpoint:
        """The checkpoint with our signature."""
        return SignedCheckpoint(checkpoint, self.public, self._private.sign(checkpoint.message()).hex())


def is_signed(signed: SignedCheckpoint) -> bool:
    """Whether the signature is that of the key it names."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.key))
        key.verify(bytes.fromhex(signed.signature), signed.checkpoint.message())
    except (ValueError, InvalidSignature):
        return False
    return True
