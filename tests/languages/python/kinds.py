"""Every kind of collection with every operation, and keys and values of every type: each export is one function of one
collection. The same world as `tests/guests/wasm/guests/kinds.rs`."""

import wit_world
from componentize_py_types import Err
from wit_world.imports import (
    all, badges, blob, by_bool, by_bytes, by_char, by_colour, by_s64, by_u64, by_u8, events, gauge,
    lines, meter, note, perhaps, strings,
)


class WitWorld(wit_world.WitWorld):
    strings_get = staticmethod(strings.get)
    strings_set = staticmethod(strings.set)
    strings_remove = staticmethod(strings.remove)
    strings_contains = staticmethod(strings.contains)
    strings_len = staticmethod(strings.len)
    strings_scan = staticmethod(strings.scan)
    strings_scan_after = staticmethod(strings.scan_after)
    strings_scan_back = staticmethod(strings.scan_back)
    strings_range = staticmethod(strings.range)
    strings_clear = staticmethod(strings.clear)

    badges_get = staticmethod(badges.get)
    badges_set = staticmethod(badges.set)
    badges_remove = staticmethod(badges.remove)
    badges_contains = staticmethod(badges.contains)
    badges_len = staticmethod(badges.len)
    badges_scan = staticmethod(badges.scan)
    badges_scan_after = staticmethod(badges.scan_after)
    badges_scan_back = staticmethod(badges.scan_back)
    badges_range = staticmethod(badges.range)
    badges_clear = staticmethod(badges.clear)

    by_bool_get = staticmethod(by_bool.get)
    by_bool_set = staticmethod(by_bool.set)
    by_bool_scan = staticmethod(by_bool.scan)

    by_u8_get = staticmethod(by_u8.get)
    by_u8_set = staticmethod(by_u8.set)
    by_u8_scan = staticmethod(by_u8.scan)

    by_u64_get = staticmethod(by_u64.get)
    by_u64_set = staticmethod(by_u64.set)
    by_u64_scan = staticmethod(by_u64.scan)

    by_s64_get = staticmethod(by_s64.get)
    by_s64_set = staticmethod(by_s64.set)
    by_s64_scan = staticmethod(by_s64.scan)

    by_char_get = staticmethod(by_char.get)
    by_char_set = staticmethod(by_char.set)
    by_char_scan = staticmethod(by_char.scan)

    by_bytes_get = staticmethod(by_bytes.get)
    by_bytes_set = staticmethod(by_bytes.set)
    by_bytes_remove = staticmethod(by_bytes.remove)
    by_bytes_scan = staticmethod(by_bytes.scan)

    by_colour_get = staticmethod(by_colour.get)
    by_colour_set = staticmethod(by_colour.set)
    by_colour_scan = staticmethod(by_colour.scan)

    note_get = staticmethod(note.get)
    note_set = staticmethod(note.set)
    note_clear = staticmethod(note.clear)

    blob_get = staticmethod(blob.get)
    blob_set = staticmethod(blob.set)
    blob_clear = staticmethod(blob.clear)

    all_get = staticmethod(all.get)
    all_set = staticmethod(all.set)
    all_clear = staticmethod(all.clear)

    perhaps_get = staticmethod(perhaps.get)
    perhaps_set = staticmethod(perhaps.set)
    perhaps_clear = staticmethod(perhaps.clear)

    lines_append = staticmethod(lines.append)
    lines_at = staticmethod(lines.at)
    lines_read = staticmethod(lines.read)
    lines_first = staticmethod(lines.first)
    lines_end = staticmethod(lines.end)
    lines_truncate_before = staticmethod(lines.truncate_before)

    events_append = staticmethod(events.append)
    events_at = staticmethod(events.at)
    events_read = staticmethod(events.read)
    events_first = staticmethod(events.first)
    events_end = staticmethod(events.end)
    events_truncate_before = staticmethod(events.truncate_before)

    gauge_value = staticmethod(gauge.value)
    gauge_add = staticmethod(gauge.add)

    meter_value = staticmethod(meter.value)
    meter_add = staticmethod(meter.add)

    def touch_everything(self, key: str, refuse: bool) -> int:
        """Writes to a cell, a map, a log and a counter and reads all of it back; `Err` is the call's `err`."""
        note.set(key)
        strings.set(key, "touched")
        index = lines.append(key)
        gauge.add(-1)
        meter.add(1)
        assert (note.get(), strings.get(key), lines.at(index)) == (key, "touched", key)
        if refuse:
            raise Err(f"refused {key}")
        return index
