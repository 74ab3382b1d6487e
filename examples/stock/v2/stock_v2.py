"""What a shop has in stock, and on which shelf it lies."""

from typing import Optional

from componentize_py_types import Err
from wit_world import exports

# Two versions of an interface are two modules, with the version in their names.
from wit_world.imports import acme_stock_articles_1_0_0 as old_articles
from wit_world.imports import acme_stock_articles_2_0_0 as articles
from wit_world.imports import acme_stock_taken_1_0_0 as old_taken
from wit_world.imports import acme_stock_taken_2_0_0 as taken
from wit_world.imports.acme_stock_articles_2_0_0 import Article

# Entries read at a time.
PAGE = 1000


class Api(exports.Api):
    def put(self, name: str, count: int, shelf: str) -> Article:
        before = articles.get(name)
        article = Article((before.count if before else 0) + count, shelf)
        articles.set(name, article)
        return article

    def take(self, name: str, count: int) -> int:
        taken.add(count)
        article = articles.get(name) or Article(0, "")
        if article.count < count:
            raise Err(f"there are only {article.count} {name}")
        article.count -= count
        articles.set(name, article)
        return article.count

    def look(self, name: str) -> Optional[Article]:
        return articles.get(name)


class Migrate(exports.Migrate):
    def migrate(self, from_: Optional[str]) -> None:
        """Runs once, while the host puts this version in the place of 1.0.0."""
        start = None
        while page := old_articles.scan(start, PAGE):
            for name, count in page:
                articles.set(name, Article(count, "unsorted"))
            # The least string above the last one.
            start = page[-1][0] + "\0"
        taken.add(old_taken.value())
