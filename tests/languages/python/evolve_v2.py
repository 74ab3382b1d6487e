"""The next track, with a migration from 1.0.0: with two versions of an interface, its module's name says which."""

from typing import Optional

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import test_evolve_entries_1_0_0 as old_entries
from wit_world.imports import test_evolve_entries_2_0_0 as entries
from wit_world.imports import test_evolve_sum_1_0_0 as old_sum
from wit_world.imports import test_evolve_sum_2_0_0 as sum
from wit_world.imports.test_evolve_entries_2_0_0 import Item

# Entries read at a time.
PAGE = 3


class Bumps(exports.Bumps):
    def bump(self, key: str) -> int:
        sum.add(1)
        if not key:
            raise Err("a key is not empty")
        item = entries.get(key) or Item(0, [])
        item.count += 1
        item.labels.append("v2")
        entries.set(key, item)
        return item.count

    def count_of(self, key: str) -> int:
        item = entries.get(key)
        return item.count if item else 0

    def total(self) -> int:
        return sum.value()

    def version(self) -> str:
        return "v2"


class Migrate(exports.Migrate):
    def migrate(self, from_: Optional[str]) -> None:
        start = None
        while page := old_entries.scan(start, PAGE):
            for key, item in page:
                entries.set(key, Item(item.count, [item.label]))
            # The least string above the last one.
            start = page[-1][0] + "\0"
        sum.add(old_sum.value())
        if from_ == "refuse":
            raise Err(f"not from {from_}")
