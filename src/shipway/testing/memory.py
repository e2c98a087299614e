"""The in-memory drivers: for tests of actions and steps without an engine.

They implement the protocols (and pass the conformance suites), record each call in `calls`, and have scripted failures:
`runtime.fail("create", at=3, error=EngineError("…"), after=True)`.
"""

from shipway.testing.memory_cdn import MemoryCdn
from shipway.testing.memory_container import Behaviour
from shipway.testing.memory_edge import MemoryEdge
from shipway.testing.memory_images import MemoryImages, MemoryRegistry
from shipway.testing.memory_runtime import MemoryRuntime

__all__ = ["Behaviour", "MemoryCdn", "MemoryEdge", "MemoryImages", "MemoryRegistry", "MemoryRuntime"]
