// What a shop has in stock.
import * as articles from "acme:stock/articles@1.0.0";
import * as taken from "acme:stock/taken@1.0.0";

export const api = {
  put(name, count) {
    const now = (articles.get(name) ?? 0) + count;
    articles.set(name, now);
    return now;
  },

  // A thrown string is the call's `err`: it rolls back what the call wrote.
  take(name, count) {
    taken.add(count);
    const now = (articles.get(name) ?? 0) - count;
    if (now < 0) throw `there are only ${now + count} ${name}`;
    articles.set(name, now);
    return now;
  },
};
