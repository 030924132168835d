"""Requests and pieces <-> what JSON can say, by their types: what does not fit its type is refused, and nothing is ever run.

Conventions: a NamedTuple is a list of its fields, a dataclass an object of its fields that compare, a tuple a list. Of several types the first
that fits is taken. Whole numbers stand for the same numbers with a point.
"""

import math
import types
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints


def to_plain(value: Any) -> Any:
    """A value of dataclasses, NamedTuples, tuples and what JSON knows, as lists, dicts and what JSON knows."""
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value) if field.compare}
    return [to_plain(item) for item in value] if isinstance(value, tuple) else value


def from_plain(plain: Any, kind: Any) -> Any:
    """The value of a type that `to_plain` wrote. Raises ValueError where it is none; also for what the type itself refuses."""
    if get_origin(kind) in (Union, types.UnionType):
        return _first_that_fits(plain, get_args(kind))
    if get_origin(kind) is tuple:
        return _tuple(plain, get_args(kind))
    if is_dataclass(kind):
        return _dataclass(plain, kind)
    if hasattr(kind, "_fields"):
        hints = get_type_hints(kind)
        return kind(*_tuple(plain, tuple(hints[name] for name in kind._fields)))
    if kind is float and type(plain) is int and abs(plain) < 1 << 53:
        return float(plain)
    if type(plain) is not kind or (kind is float and not math.isfinite(plain)):
        raise ValueError(f"expected {getattr(kind, '__name__', kind)}, found {_short(plain)}")
    return plain


def _first_that_fits(plain: Any, kinds: tuple) -> Any:
    for kind in kinds:
        try:
            return from_plain(plain, kind)
        except ValueError as error:
            last = error
    raise last


def _tuple(plain: Any, kinds: tuple) -> tuple:
    if type(plain) is not list:
        raise ValueError(f"expected a list, found {_short(plain)}")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(from_plain(item, kinds[0]) for item in plain)
    if len(plain) != len(kinds):
        raise ValueError(f"expected {len(kinds)} values, found {_short(plain)}")
    return tuple(from_plain(item, kind) for item, kind in zip(plain, kinds, strict=True))


def _dataclass(plain: Any, kind: Any) -> Any:
    if type(plain) is not dict:
        raise ValueError(f"expected an object, found {_short(plain)}")
    hints, names = get_type_hints(kind), {field.name for field in fields(kind) if field.compare}
    if odd := sorted(set(plain) - names):
        raise ValueError(f"{kind.__name__} has no {_short(odd[0])}")
    try:
        return kind(**{name: from_plain(value, hints[name]) for name, value in plain.items()})
    except TypeError as error:
        raise ValueError(str(error)) from None


def _short(plain: Any) -> str:
    return ascii(plain)[:40]
