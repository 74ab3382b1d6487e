"""The version that all others of this family follow."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import entries, sum
from wit_world.imports.entries import Item


class Bumps(exports.Bumps):
    def bump(self, key: str) -> int:
        sum.add(1)
        if not key:
            raise Err("a key is not empty")
        item = entries.get(key) or Item(0, f"label of {key}")
        item.count += 1
        entries.set(key, item)
        return item.count

    def count_of(self, key: str) -> int:
        item = entries.get(key)
        return item.count if item else 0

    def total(self) -> int:
        return sum.value()

    def version(self) -> str:
        return "v1"
