// The next track, with a migration from 1.0.0: both versions of an interface stand side by side.
import * as oldEntries from "test:evolve/entries@1.0.0";
import * as oldSum from "test:evolve/sum@1.0.0";
import * as entries from "test:evolve/entries@2.0.0";
import * as sum from "test:evolve/sum@2.0.0";

export const bumps = {
  bump(key) {
    sum.add(1);
    if (key === "") throw "a key is not empty";
    const item = entries.get(key) ?? { count: 0, labels: [] };
    item.count += 1;
    item.labels.push("v2");
    entries.set(key, item);
    return item.count;
  },
  countOf: (key) => entries.get(key)?.count ?? 0,
  total: () => sum.value(),
  version: () => "v2",
};

/** Entries read at a time. */
const PAGE = 3;

export const migrate = {
  migrate(from) {
    let start = undefined;
    for (;;) {
      const page = oldEntries.scan(start, PAGE);
      if (page.length === 0) break;
      for (const [key, { count, label }] of page) {
        entries.set(key, { count, labels: [label] });
      }
      // The least string above the last one.
      start = page.at(-1)[0] + "\0";
    }
    sum.add(oldSum.value());
    if (from === "refuse") throw `not from ${from}`;
  },
};
