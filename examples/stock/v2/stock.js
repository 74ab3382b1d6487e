// What a shop has in stock, and on which shelf it lies.
import * as oldArticles from "acme:stock/articles@1.0.0";
import * as oldTaken from "acme:stock/taken@1.0.0";
import * as articles from "acme:stock/articles@2.0.0";
import * as taken from "acme:stock/taken@2.0.0";

export const api = {
  put(name, count, shelf) {
    const article = { count: (articles.get(name)?.count ?? 0) + count, shelf };
    articles.set(name, article);
    return article;
  },

  take(name, count) {
    taken.add(count);
    const article = articles.get(name) ?? { count: 0, shelf: "" };
    if (article.count < count) throw `there are only ${article.count} ${name}`;
    article.count -= count;
    articles.set(name, article);
    return article.count;
  },

  look: (name) => articles.get(name),
};

/** Entries read at a time. */
const PAGE = 1000;

/** Runs once, while the host puts this version in the place of 1.0.0. */
export const migrate = {
  migrate(from) {
    let start = undefined;
    for (;;) {
      const page = oldArticles.scan(start, PAGE);
      if (page.length === 0) break;
      for (const [name, count] of page) articles.set(name, { count, shelf: "unsorted" });
      // The least string above the last one.
      start = page.at(-1)[0] + "\0";
    }
    taken.add(oldTaken.value());
  },
};
