// Every kind of collection with every operation, and keys and values of every type: each export is one function of one
// collection. The same world as `tests/guests/wasm/guests/kinds.rs`.
//
// To componentize-qjs 0.4.5 a u64 is a number, exact up to 2^53.
import * as strings from "test:kinds/strings@1.0.0";
import * as badges from "test:kinds/badges@1.0.0";
import * as byBool from "test:kinds/by-bool@1.0.0";
import * as byU8 from "test:kinds/by-u8@1.0.0";
import * as byU64 from "test:kinds/by-u64@1.0.0";
import * as byS64 from "test:kinds/by-s64@1.0.0";
import * as byChar from "test:kinds/by-char@1.0.0";
import * as byBytes from "test:kinds/by-bytes@1.0.0";
import * as byColour from "test:kinds/by-colour@1.0.0";
import * as note from "test:kinds/note@1.0.0";
import * as blob from "test:kinds/blob@1.0.0";
import * as all from "test:kinds/all@1.0.0";
import * as perhaps from "test:kinds/perhaps@1.0.0";
import * as lines from "test:kinds/lines@1.0.0";
import * as events from "test:kinds/events@1.0.0";
import * as gauge from "test:kinds/gauge@1.0.0";
import * as meter from "test:kinds/meter@1.0.0";

export const {
  get: stringsGet, set: stringsSet, remove: stringsRemove, contains: stringsContains, len: stringsLen,
  scan: stringsScan, scanAfter: stringsScanAfter, scanBack: stringsScanBack, range: stringsRange,
  clear: stringsClear,
} = strings;
export const {
  get: badgesGet, set: badgesSet, remove: badgesRemove, contains: badgesContains, len: badgesLen, scan: badgesScan,
  scanAfter: badgesScanAfter, scanBack: badgesScanBack, range: badgesRange, clear: badgesClear,
} = badges;
export const { get: byBoolGet, set: byBoolSet, scan: byBoolScan } = byBool;
export const { get: byU8Get, set: byU8Set, scan: byU8Scan } = byU8;
export const { get: byU64Get, set: byU64Set, scan: byU64Scan } = byU64;
export const { get: byS64Get, set: byS64Set, scan: byS64Scan } = byS64;
export const { get: byCharGet, set: byCharSet, scan: byCharScan } = byChar;
export const { get: byBytesGet, set: byBytesSet, remove: byBytesRemove, scan: byBytesScan } = byBytes;
export const { get: byColourGet, set: byColourSet, scan: byColourScan } = byColour;
export const { get: noteGet, set: noteSet, clear: noteClear } = note;
export const { get: blobGet, set: blobSet, clear: blobClear } = blob;
export const { get: allGet, set: allSet, clear: allClear } = all;
export const { get: perhapsGet, set: perhapsSet, clear: perhapsClear } = perhaps;
export const {
  append: linesAppend, at: linesAt, read: linesRead, first: linesFirst, end: linesEnd,
  truncateBefore: linesTruncateBefore,
} = lines;
export const {
  append: eventsAppend, at: eventsAt, read: eventsRead, first: eventsFirst, end: eventsEnd,
  truncateBefore: eventsTruncateBefore,
} = events;
export const { value: gaugeValue, add: gaugeAdd } = gauge;
export const { value: meterValue, add: meterAdd } = meter;

/** Writes to a cell, a map, a log and a counter and reads all of it back; a thrown string is the call's `err`. */
export function touchEverything(key, refuse) {
  note.set(key);
  strings.set(key, "touched");
  const index = lines.append(key);
  gauge.add(-1);
  meter.add(1);
  if (note.get() !== key || strings.get(key) !== "touched" || lines.at(index) !== key) {
    throw new Error("a call does not see its own writes");
  }
  if (refuse) throw `refused ${key}`;
  return index;
}
