"""The drivers in memory: for tests of actions and steps, without an engine.

They follow the protocols (the conformance suites run over them too), write down each call in `calls`, and fail on
script: `runtime.fail("create", at=3, error=EngineError("…"), after=True)`.
"""

from shipway.testing.memory_edge import MemoryEdge
from shipway.testing.memory_images import MemoryImages, MemoryRegistry
from shipway.testing.memory_runtime import Behaviour, MemoryRuntime

__all__ = ["Behaviour", "MemoryEdge", "MemoryImages", "MemoryRegistry", "MemoryRuntime"]
