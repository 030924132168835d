"""Why a file is not read: a fixed list of reasons, each with what its owner can do, and the error that carries one."""

from enum import Enum


class Reason(Enum):
    """The value is the name that receipts show and programs may rely on; `advice` is one sentence."""

    EMPTY = "empty", "Nothing is in it: get the file again."
    NOT_MUSIC = "not music", "Give MIDI, MusicXML, ABC or Humdrum kern, or a zip file of these."
    DAMAGED = "damaged", "Get the file again, or open it in a music program and save it anew."
    UNSUPPORTED = "unsupported", "Open it in a music program and save it in another format, as MIDI or MusicXML."
    NO_NOTES = "no notes", "Nothing in it can be played: leave it out."
    TOO_LARGE = "too large", "Raise the limit if you trust the file."
    TOO_LONG = "too long", "Raise the limit if the music is really that long; most often a wrong time in the file makes it so."
    TOO_MANY_NOTES = "too many notes", "Raise the limit if you trust the file."
    TOO_MANY_TRACKS = "too many tracks", "Raise the limit if you trust the file."
    TOO_MANY_CHANGES = "too many changes", "Raise the limit if you trust the file."
    TOO_MANY_MEMBERS = "too many members", "Raise the limit, or unzip it into a folder."
    TIMEOUT = "took too long", "Raise the limit, or save the file as MIDI, which is read at once."
    OUT_OF_MEMORY = "too much memory", "Raise the limit, or save the file as MIDI, which needs little."
    CRASHED = "reader crashed", "Open it in a music program and save it anew; nothing else was lost."
    UNSAFE = "unsafe", "The file is built to do harm or by a very odd program: leave it out, or save it anew as MIDI."
    ENCRYPTED = "encrypted", "Unzip it with its password into a folder."
    NESTED = "zip in a zip", "Unzip the outer file into a folder."
    PACKED = "packed", "Unpack it into a folder, or pack it as a zip file."
    NOT_A_FILE = "not a regular file", "Copy its content into a file."
    LINK_OUT = "link out of the folder", "Copy the file into the folder, or name the place that it leads to."
    NO_PERMISSION = "no permission", "Make the file readable for you."
    VANISHED = "vanished", "It is no longer there: start again when the folder is at rest."
    LEFT_OUT = "left out", "You asked for it: change the option that is named."
    DISK = "disk error", "Copy the file from where it is whole."

    advice: str

    def __new__(cls, name: str, advice: str) -> "Reason":
        member = object.__new__(cls)
        member._value_ = name
        member.advice = advice
        return member


class UnreadableFileError(Exception):
    """A file that is not music, or not music that can be read; the message says what is wrong, without the file's name."""

    def __init__(self, message: str, reason: Reason = Reason.DAMAGED) -> None:
        super().__init__(message)
        self.reason = reason

    def __reduce__(self):
        return UnreadableFileError, (str(self), self.reason)
