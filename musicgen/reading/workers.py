"""Reads files in other processes, one for each core, so that a file that breaks or stops its reader costs only itself.

Conventions: a worker is this Python once more; it is sent pieces of work, lists of paths, over its standard input, and answers on its standard
output: True before each file, None after each piece of music, which shows that it is alive, and in the end all records. A worker that dies, or says
nothing for longer than the limit of seconds, is replaced, and the file that it was at gets a receipt. Records come in the order of their paths,
whoever reads them. What is said goes through pickle: both ends are this program, started by itself, and no file is. Interrupting the program (Ctrl-C)
is its own affair: workers end when their input does.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from musicgen.reading import score_reader
from musicgen.reading.reasons import Reason, UnreadableFileError
from musicgen.reading.records import FileRecord, read_record
from musicgen.reading.selection import Selection

CHUNK = 64  # files of a piece of work
AHEAD = 64  # pieces of work that are finished while an earlier one is not, at most, so that few records wait
PATIENCE = 30  # seconds beyond the time of a score, until a silent worker is ended, by its own use of the processor or else by the clock
MOST_FAILURES = 2  # of workers that die before their first file
PROGRAM = "from musicgen.reading.workers import serve; serve()"
VARIABLE = "MUSICGEN_WORKERS"  # of the environment: how many processes read; 0 reads in this one, without any of its safety


class WorkersError(Exception):
    """Nothing can be read; the message says why."""


def usual_workers() -> int:
    """What the variable MUSICGEN_WORKERS says, or as many as there are cores that this process may use."""
    if (said := os.environ.get(VARIABLE, "")).isdecimal():
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def read_all(paths: Sequence[Path], selection: Selection, num_workers: int | None = None) -> Generator[FileRecord, None, None]:
    """A record of each file, in their order, as they become ready. Raises WorkersError.

    Args:
        num_workers: processes; None takes as many as are usual here, 0 reads in this one.
    """
    num_workers = usual_workers() if num_workers is None else num_workers
    if not num_workers or not paths:
        yield from (read_record(path, selection) for path in paths)
        return
    work = [Work(number, list(paths[start : start + CHUNK])) for number, start in enumerate(range(0, len(paths), CHUNK))]
    pool = Pool(work, selection, min(num_workers, len(work)))
    try:
        yield from pool.records()
    finally:
        pool.close()


@dataclass
class Work:
    """Some files, and what became of them."""

    number: int
    paths: list[Path]
    broken: dict[int, FileRecord] = field(default_factory=dict)  # of the files that ended their reader

    @property
    def left(self) -> list[int]:
        return [index for index in range(len(self.paths)) if index not in self.broken]


class Worker:
    """A process that reads, and when it was last heard."""

    def __init__(self, selection: Selection) -> None:
        program = [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}\n{PROGRAM}"]
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.heard: float | None = None  # while it works
        self.at = 0  # how many files of its work it has begun
        self.was_silent = False
        self._send(selection)

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died, which shows where an answer is awaited
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()

    def read(self, paths: list[Path]) -> list[FileRecord] | None:
        """The records of files; None where the worker died, and `at` says at which."""
        assert self._process.stdout is not None
        self.at, self.heard = 0, time.monotonic()
        self._send(paths)
        try:
            while not isinstance(answer := pickle.load(self._process.stdout), list):
                self.at, self.heard = self.at + bool(answer), time.monotonic()
            return answer
        except (EOFError, pickle.UnpicklingError, OSError):
            return None
        finally:
            self.heard = None

    def end(self) -> None:
        """At once."""
        self._process.kill()
        self.was_silent |= self._process.wait() == -getattr(signal, "SIGPROF", 0)  # its own timer has ended it
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class Pool:
    """Workers with a thread each, which waits for its answers."""

    def __init__(self, work: Sequence[Work], selection: Selection, num_workers: int) -> None:
        self._selection = selection
        self._patience = score_reader.PATIENCE * selection.limits.seconds + PATIENCE
        self._num_work = len(work)
        self._todo = deque(work)
        self._done: queue.Queue[tuple[int, list[FileRecord]] | BaseException] = queue.Queue()
        self._ahead = threading.Semaphore(AHEAD + num_workers)
        self._closed = False
        self._workers: list[Worker | None] = [None] * num_workers
        self._threads = [threading.Thread(target=self._run, args=(seat,), daemon=True) for seat in range(num_workers)]
        for thread in self._threads:
            thread.start()

    def records(self) -> Iterator[FileRecord]:
        """In the order of the work."""
        waiting: dict[int, list[FileRecord]] = {}
        for number in range(self._num_work):
            while number not in waiting:
                try:
                    result = self._done.get(timeout=0.5)
                except queue.Empty:
                    self._end_silent()
                    continue
                if isinstance(result, BaseException):
                    raise result
                waiting[result[0]] = result[1]
            yield from waiting.pop(number)
            self._ahead.release()

    def close(self) -> None:
        """End all workers, whatever they are at."""
        self._closed = True
        self._todo.clear()
        for _ in self._threads:
            self._ahead.release()
        for worker in filter(None, self._workers):
            worker.end()
        for thread in self._threads:
            thread.join()

    def _end_silent(self) -> None:
        now = time.monotonic()
        for worker in filter(None, self._workers):
            if (heard := worker.heard) is not None and now - heard > self._patience:
                worker.was_silent = True
                worker.end()

    def _run(self, seat: int) -> None:
        try:
            while True:
                self._ahead.acquire()
                try:
                    work = self._todo.popleft()
                except IndexError:
                    return
                self._done.put((work.number, self._read(work, seat)))
        except BaseException as error:  # it is raised where the records are awaited
            self._done.put(error)

    def _read(self, work: Work, seat: int) -> list[FileRecord]:
        """The records of some files, with a new worker as often as one dies."""
        failures = 0
        while work.left and not self._closed:
            worker = self._workers[seat] = self._workers[seat] or Worker(self._selection)
            left = work.left
            records = worker.read([work.paths[index] for index in left])
            if records is not None:
                return [work.broken.get(index) or records[left.index(index)] for index in range(len(work.paths))]
            worker.end()
            self._workers[seat] = None
            if worker.at:
                work.broken[left[worker.at - 1]] = FileRecord.of_refusal(self._failure(worker.was_silent))
            elif (failures := failures + 1) > MOST_FAILURES:
                raise WorkersError("processes that read can't be started: is there too little memory?")
        return [work.broken[index] for index in range(len(work.paths)) if index in work.broken]

    def _failure(self, was_silent: bool) -> UnreadableFileError:
        if was_silent:
            seconds = self._selection.limits.seconds + PATIENCE
            return UnreadableFileError(f"its reader was not heard of for {seconds:g} seconds and more", Reason.TIMEOUT)
        return UnreadableFileError("its reader crashed", Reason.CRASHED)


def serve() -> None:
    """Be a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints must not stand between the answers

    def tell(message: object) -> None:
        pickle.dump(message, sink, pickle.HIGHEST_PROTOCOL)
        sink.flush()

    def hear(is_next: bool | None) -> None:
        tell(is_next)
        if hasattr(signal, "setitimer"):  # native code that never returns ends its process
            signal.setitimer(signal.ITIMER_PROF, selection.limits.seconds + PATIENCE)

    def read(path: Path) -> FileRecord:
        hear(True)
        try:
            return read_record(path, selection, lambda: hear(None))
        except Exception as error:  # a mistake of this program's, which must not cost the other files
            return FileRecord.of_refusal(UnreadableFileError(f"its reader failed ({type(error).__name__}: {error})", Reason.CRASHED))

    with contextlib.suppress(EOFError, BrokenPipeError):
        selection = pickle.load(source)
        while True:
            tell([read(path) for path in pickle.load(source)])
