"""What a shop has in stock."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import articles, taken


class Api(exports.Api):
    def put(self, name: str, count: int) -> int:
        now = (articles.get(name) or 0) + count
        articles.set(name, now)
        return now

    def take(self, name: str, count: int) -> int:
        """Raising `Err` is the call's `err`: it rolls back what the call wrote."""
        taken.add(count)
        now = (articles.get(name) or 0) - count
        if now < 0:
            raise Err(f"there are only {now + count} {name}")
        articles.set(name, now)
        return now
