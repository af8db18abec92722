"""Array parameters at half the price: what asyncpg asks of every element is asked more cheaply.

Encoding a list, asyncpg looks at each element whether it is a list itself, by the abstract classes
Iterable, Sized and Mapping. Such a look goes through Python's machinery for abstract classes, takes
longer than writing the element, and the hot statements send some sixty elements for each event.
Here the names by which asyncpg knows those classes stand for the concrete containers instead.
"""

from types import ModuleType

import asyncpg.protocol.protocol as encoding

# We send lists and, here and there, tuples. Each further class would be asked about as well.
_CONTAINERS = (list, tuple)
_NAMES = {"IterableABC": _CONTAINERS, "SizedABC": _CONTAINERS, "MappingABC": (dict,)}


def look_at_concrete_classes(module: ModuleType = encoding) -> bool:
    """Let asyncpg look for concrete containers; once for the whole process, twice does no harm.

    Returns False, and changes nothing, when this asyncpg has no such names: then it is as slow as
    it was, and no less right.
    """
    if not all(hasattr(module, name) for name in _NAMES):
        return False
    for name, classes in _NAMES.items():
        setattr(module, name, classes)
    return True
