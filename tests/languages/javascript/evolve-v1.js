// The version that all others of this family follow.
import * as entries from "test:evolve/entries@1.0.0";
import * as sum from "test:evolve/sum@1.0.0";

export const bumps = {
  bump(key) {
    sum.add(1);
    if (key === "") throw "a key is not empty";
    const item = entries.get(key) ?? { count: 0, label: `label of ${key}` };
    item.count += 1;
    entries.set(key, item);
    return item.count;
  },
  countOf: (key) => entries.get(key)?.count ?? 0,
  total: () => sum.value(),
  version: () => "v1",
};
