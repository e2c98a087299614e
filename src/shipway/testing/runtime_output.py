"""The conformance suite of a Runtime's logs and sessions."""

from __future__ import annotations

import time

import pytest

from shipway.domain.errors import EngineError
from shipway.domain.log import seconds_of
from shipway.ports import Session
from shipway.testing.runtime_lab import Program, RuntimeLab, started


class OutputContract:
    """What containers write, and sessions with them."""

    def test_logs(self, lab: RuntimeLab) -> None:
        lines = tuple(f"line {number} äöü" for number in range(50))
        name = started(lab, "a", Program(lines, exit_code=0))
        assert list(lab.runtime.logs(name, follow=True)) == list(lines)
        lab.runtime.wait(name, 30)
        assert list(lab.runtime.logs(name)) == list(lines)
        assert list(lab.runtime.logs(name, tail=3)) == list(lines[-3:])
        assert list(lab.runtime.logs(name, tail=0)) == []
        assert list(lab.runtime.logs(name, follow=True, tail=2)) == list(lines[-2:])

    def test_a_log_with_times(self, lab: RuntimeLab) -> None:
        lines = tuple(f"line {number} äöü" for number in range(50))
        name = started(lab, "a", Program(lines, exit_code=0))
        followed = [line for batch in lab.runtime.log(name, follow=True) for line in batch]
        found = [line for batch in lab.runtime.log(name) for line in batch]
        assert [text for _, text in found] == list(lines)
        assert followed == found
        times = [time for time, _ in found]
        assert times == sorted(times)
        assert {len(time) for time in times} == {30}
        assert abs(seconds_of(times[0]) - seconds_of(times[-1])) < 60
        assert [line for batch in lab.runtime.log(name, tail=3) for line in batch] == found[-3:]
        assert [line for batch in lab.runtime.log(name, since=times[20]) for line in batch] == [
            line for line in found if line[0] > times[20]
        ]
        assert list(lab.runtime.log(name, since=times[-1])) == []
        assert list(lab.runtime.log(name, since=times[-1], follow=True)) == []
        with pytest.raises(EngineError):
            list(lab.runtime.log(lab.name("missing")))

    @pytest.mark.parametrize("tty", [False, True])
    def test_a_session_with_a_container(self, lab: RuntimeLab, tty: bool) -> None:
        spec = lab.spec("a", Program(("hello",), exit_code=3, echo=True), attached=True, tty=tty)
        lab.runtime.create(spec)
        session = lab.runtime.attach(spec.name, tty=tty)
        lab.runtime.start(spec.name)
        deadline = time.monotonic() + 20
        while tty and not session.resize(50, 100):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        session.send(b"line one\n")
        session.send(b"\x04") if tty else session.end_input()  # Ctrl-D ends the input of a terminal
        output = self.output(session)
        assert b"hello" in output
        assert b"line one" in output
        assert session.exit_code() == 3
        assert session.resize(50, 100), "it has ended: nothing to wait for"
        session.close()
        session.close()
        deadline = time.monotonic() + 20
        while lab.runtime.find(spec.name) is not None:  # the engine removes it
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def test_a_session_with_a_command(self, lab: RuntimeLab) -> None:
        name = started(lab, "a")
        session = lab.runtime.session(name, lab.answered, tty=False, environment={"A": "1"})
        assert self.output(session).strip() == b"pong"
        assert session.exit_code() == 0
        assert session.resize(50, 100), "it has ended: nothing to wait for"
        session.close()
        lab.runtime.stop(name, 5)
        with pytest.raises(EngineError):
            lab.runtime.session(name, lab.answered, tty=False)
        with pytest.raises(EngineError):
            lab.runtime.attach(lab.name("missing"), tty=False)

    def output(self, session: Session) -> bytes:
        return b"".join(data for _, data in iter(session.receive, None))
