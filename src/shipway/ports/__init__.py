"""Every driver protocol. Actions and steps know these and never a driver.

Unless a docstring says otherwise: methods are blocking, safe to call from several threads, raise the class of
`domain.errors` that is named at the protocol, and are idempotent: asking for what is already so is no error.
"""

from __future__ import annotations

from shipway.ports.database import DatabaseTool, Linter, OneOff, Scratch, ScratchDatabase, Watched
from shipway.ports.edge import Edge
from shipway.ports.host import Dial, Host
from shipway.ports.images import Images, OnLine, Registry
from shipway.ports.ledger import Ledger
from shipway.ports.runtime import Runtime
from shipway.ports.secrets import Secrets

__all__ = ["DatabaseTool", "Dial", "Edge", "Host", "Images", "Ledger", "Linter", "OnLine", "OneOff", "Registry", "Runtime", "Scratch", "ScratchDatabase", "Secrets", "Watched"]
