"""Ctrl-C, SIGTERM and a closed terminal: the first asks to stop at the next pause, the second stops at once."""

import signal
import threading
from types import FrameType

from musicgen.cli.console import say

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # as far as the system has them


class Interruption:
    """Signals are asked for instead of obeyed, once `is_patient` is set; before that they raise KeyboardInterrupt, as a second one always does."""

    def __init__(self, quiet: bool) -> None:
        self.is_asked = False
        self.is_patient = False
        self._quiet = quiet
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():  # Python allows no other
            for number in (getattr(signal, name) for name in NAMES if hasattr(signal, name)):
                if signal.getsignal(number) is not signal.SIG_IGN:  # whoever started the program wants it ignored
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_asked or not self.is_patient:
            raise KeyboardInterrupt
        self.is_asked = True
        say("\nstopping after this step; once more stops at once", self._quiet)
