"""Scores are read in a child process, which music21 may fill, hang or crash without harm to anything else.

Conventions: the child is this Python once more, with a limit of memory, and lives on: music21 takes seconds to import. It is sent a line of JSON
(the format, how many bytes follow, and how many seconds there are) and the bytes, and answers with one line of JSON: nothing that comes from a
file is ever unpickled.
A child that is not done in time is killed, and the next score gets another one. Its time is the processor's, so that what is read does not depend on
what else the machine does; only one that has none for long is killed by the clock.
"""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import numpy as np

from musicgen.reading.guard import Limits
from musicgen.reading.reasons import Reason, UnreadableFileError
from musicgen.reading.strands import Heard, Strand

START_SECONDS = 60  # for music21 to be imported on a busy machine
PATIENCE = 5 if hasattr(signal, "setitimer") else 1  # times as long by the clock as a score may keep the processor
LAST_SECONDS = 10  # after which a child that should have been killed ends itself
OUT_OF_TIME = getattr(signal, "SIGPROF", 0)  # what ends a child whose time is up
MOST_LETTERS = 200  # of a message of music21
PROGRAM = "from musicgen.reading.score_reader import serve; serve()"


class ScoreReader:
    """The child process; made when it is needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._memory_bytes = 0
        self._has_read = False
        self._lock = threading.Lock()

    def read(self, kind: str, content: bytes, limits: Limits) -> tuple[str, Heard, tuple[str, ...]]:
        """The title of a score, what is heard, and remarks. Raises UnreadableFileError.

        Args:
            kind: a key of `PARSERS`.
        """
        with self._lock:
            was_used = self._has_read
            try:
                return self._read(kind, content, limits)
            except UnreadableFileError as error:
                if error.reason not in (Reason.OUT_OF_MEMORY, Reason.CRASHED) or not was_used:
                    raise
            return self._read(kind, content, limits)  # what earlier scores left behind may have been too much

    def _read(self, kind: str, content: bytes, limits: Limits) -> tuple[str, Heard, tuple[str, ...]]:
        process = self._started(limits)
        answer = self._ask(process, json.dumps([kind, len(content), limits.seconds]).encode() + b"\n" + content, PATIENCE * limits.seconds, limits)
        self._has_read = True
        if "reason" in answer:
            reason = next(reason for reason in Reason if reason.value == answer["reason"])
            if reason is Reason.OUT_OF_MEMORY:
                self.close()
            raise UnreadableFileError(answer.get("message") or limits.said("memory_bytes", "more"), reason)
        strands = [Strand(name, program, is_drum, *np.array(rows, np.int64).reshape(4, -1)) for name, program, is_drum, rows in answer["strands"]]
        tempos, meters, keys = ([tuple(change) for change in answer[series]] for series in ("tempos", "meters", "keys"))
        return answer["title"], Heard(strands, tempos, meters, keys, 0), tuple(answer["remarks"])

    def _started(self, limits: Limits) -> subprocess.Popen[bytes]:
        if self._process is not None and (self._process.poll() is not None or self._memory_bytes != limits.memory_bytes):
            self.close()
        if self._process is None:
            program = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{PROGRAM}", str(limits.memory_bytes)]
            environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # each thread takes memory from the limit
            self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
            self._memory_bytes, self._has_read = limits.memory_bytes, False
            atexit.register(self.close)
            try:
                self._ask(self._process, b"", START_SECONDS, limits)
            except UnreadableFileError as error:
                if error.reason is Reason.CRASHED and limits.memory_bytes < Limits().memory_bytes:  # not even music21 has room
                    raise UnreadableFileError(limits.said("memory_bytes", "more"), Reason.OUT_OF_MEMORY) from None
                raise
        return self._process

    def _ask(self, process: subprocess.Popen[bytes], message: bytes, seconds: float, limits: Limits) -> dict[str, Any]:
        """The child's next answer. Raises UnreadableFileError where none comes."""
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(message)
                process.stdin.flush()
            line = process.stdout.readline()
        finally:
            timer.cancel()
        if line.endswith(b"\n"):
            return json.loads(line)
        self.close()
        if late.is_set() or process.returncode == -OUT_OF_TIME:
            raise UnreadableFileError(limits.said("seconds", "more"), Reason.TIMEOUT)
        raise UnreadableFileError("music21, which reads scores, broke down at it", Reason.CRASHED)

    def close(self) -> None:
        """End the child, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()


score_reader = ScoreReader()


def serve() -> None:
    """Be the child."""
    _limit_memory(int(sys.argv[1]))
    from musicgen.reading.assembly import SkipError
    from musicgen.reading.score_parsers import parse

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what music21 prints must not stand between the answers

    def answer(document: dict) -> None:
        sink.write(json.dumps(document).encode() + b"\n")
        sink.flush()

    answer({})
    while line := source.readline():
        kind, size, seconds = json.loads(line)
        if hasattr(signal, "alarm"):  # for the case that nobody is left who would end it
            signal.alarm(PATIENCE * seconds + LAST_SECONDS)
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, seconds)  # and it ends
        try:
            answer(parse(kind, source.read(size)))
        except MemoryError:
            answer({"reason": Reason.OUT_OF_MEMORY.value})
        except UnreadableFileError as error:
            answer({"reason": error.reason.value, "message": str(error)})
        except SkipError as error:
            answer({"reason": Reason.DAMAGED.value, "message": f"a damaged score ({error})"})
        except Exception as error:  # music21 raises anything for what it does not expect
            said = " ".join(str(error).split()) or type(error).__name__
            answer({"reason": Reason.DAMAGED.value, "message": f"a damaged score (music21: {said[:MOST_LETTERS]})"})


def _limit_memory(memory_bytes: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on Windows; not above what is set already
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
