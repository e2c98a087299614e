"""All driver protocols. Actions and steps depend on these, never on a driver.

Unless a docstring differs, methods are blocking, safe to call from several threads, idempotent (repeating a call is no
error), and raise the class of `domain.errors` named at the protocol.
"""

from __future__ import annotations

from shipway.ports.database import (
    DatabaseTool,
    Fill,
    Linter,
    OneOff,
    Rejected,
    Replayed,
    Scratch,
    ScratchDatabase,
    Watched,
)
from shipway.ports.edge import Edge
from shipway.ports.host import Dial, Host
from shipway.ports.images import Images, OnLine, Registry
from shipway.ports.ledger import Ledger
from shipway.ports.ledger.decisions import DecisionLedger
from shipway.ports.ledger.deployments import DeploymentLedger
from shipway.ports.ledger.launches import LaunchLedger
from shipway.ports.ledger.leases import LeaseLedger
from shipway.ports.ledger.operations import OperationLedger
from shipway.ports.ledger.ownership import OwnershipLedger, PropertyLedger
from shipway.ports.ledger.releases import ReleaseLedger
from shipway.ports.ledger.renamings import RenamingLedger
from shipway.ports.ledger.runs import RunLedger
from shipway.ports.ledger.schedules import ScheduleLedger
from shipway.ports.ledger.sealed_secrets import SecretLedger
from shipway.ports.project_source import ProjectSource
from shipway.ports.reporter import Reporter
from shipway.ports.runtime import Runtime
from shipway.ports.secrets import Secrets
from shipway.ports.server import DatabaseServer
from shipway.ports.session import Session, Terminal

__all__ = [
    "DatabaseServer",
    "DatabaseTool",
    "DecisionLedger",
    "DeploymentLedger",
    "Dial",
    "Edge",
    "Fill",
    "Host",
    "Images",
    "LaunchLedger",
    "LeaseLedger",
    "Ledger",
    "Linter",
    "OnLine",
    "OneOff",
    "OperationLedger",
    "OwnershipLedger",
    "ProjectSource",
    "PropertyLedger",
    "Registry",
    "Rejected",
    "ReleaseLedger",
    "RenamingLedger",
    "Replayed",
    "Reporter",
    "RunLedger",
    "Runtime",
    "ScheduleLedger",
    "Scratch",
    "ScratchDatabase",
    "SecretLedger",
    "Secrets",
    "Session",
    "Terminal",
    "Watched",
]
