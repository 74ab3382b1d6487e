// A start for the migration: every function that does not compile waits for a decision.
//
// `crate::Component` is the type that `export!` names.

use crate::Component;
use crate::exports::stead::plugin::migrate::Guest;

/// Entries read at a time.
const PAGE: u32 = 1_000;

impl Guest for Component {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        ballots::migrate()?;
        points::migrate()?;
        history::migrate()?;
        total::migrate()?;
        Ok(())
    }
}

mod ballots {
    use crate::acme::{tally1_0_0::ballots as old, tally2_0_0::ballots as new};

    pub(super) fn migrate() -> Result<(), String> {
        let mut page = old::scan(None, super::PAGE);
        while let Some((last, _)) = page.last() {
            let last = last.clone();
            for (key, value) in page {
                let key: u64 = new_key(key)?;
                let value: new::Value = new_value(value)?;
                new::set(key, value);
            }
            page = old::scan_after(last.as_str(), super::PAGE);
        }
        Ok(())
    }

    fn new_key(was: String) -> Result<u64, String> {
        compile_error!("`acme:tally/ballots` key: was `string`, is `u64`: write what becomes of it")
    }

    fn new_value(value: old::Value) -> Result<new::Value, String> {
        Ok(new::Value {
            choice: new_value_choice(value.choice)?,
            at: value.at,
            // `type` is gone: it was `option<enum { red, green }>`.
            // `gone` is gone: it was `bool`.
            // `where` is gone: it was `tuple<record { x: u8, y: s16 }, string>`.
            // `shapes` is gone: it was `list<variant { dot, circle(f32), polygon(list<record { x: u8, y: s16 }>) }>`.
            // `outcome` is gone: it was `result<flags { read, write, run }, string>`.
            // `bare` is gone: it was `result`.
            // `letters` is gone: it was `option<list<char>>`.
        })
    }

    fn new_value_choice(was: String) -> Result<new::ValueChoice, String> {
        compile_error!("`acme:tally/ballots` value, field `choice`: was `string`, is `enum { red, blue }`: write what becomes of it")
    }
}

mod points {
    use crate::acme::{tally1_0_0::points as old, tally2_0_0::points as new};

    pub(super) fn migrate() -> Result<(), String> {
        let mut page = old::scan(None, super::PAGE);
        while let Some((last, _)) = page.last() {
            let last = *last;
            for (key, value) in page {
                new_entry(key, value)?;
            }
            page = old::scan_after(last, super::PAGE);
        }
        Ok(())
    }

    fn new_entry(key: (u8, old::KeyItem1), value: old::Value) -> Result<(), String> {
        compile_error!("`acme:tally/points` kind: was `map`, is `log`: write what becomes of it")
    }
}

mod history {
    use crate::acme::{tally1_0_0::history as old, tally2_0_0::history as new};

    pub(super) fn migrate() -> Result<(), String> {
        let mut next = 0;
        loop {
            let page = old::read(next, super::PAGE);
            let Some((last, _)) = page.last() else { break };
            next = last + 1;
            for (_, value) in page {
                let value: new::Value = new_value(value)?;
                new::append(&value);
            }
        }
        Ok(())
    }

    fn new_value(value: old::Value) -> Result<new::Value, String> {
        Ok(match value {
            old::Value::Dot => new_value_dot()?,
            old::Value::Circle(payload) => new::Value::Circle(payload),
            old::Value::Polygon(payload) => new::Value::Polygon(payload.into_iter().map(new_value_polygon).collect::<Result<_, _>>()?),
        })
    }

    fn new_value_dot() -> Result<new::Value, String> {
        compile_error!("`acme:tally/history` value, case `dot`: was `dot`, is `dot(u8)`: write what becomes of it")
    }

    fn new_value_polygon(was: old::ValuePolygon) -> Result<u8, String> {
        compile_error!("`acme:tally/history` value, case `polygon`, list element: was `record { x: u8, y: s16 }`, is `u8`: write what becomes of it")
    }
}

mod total {
    use crate::acme::{tally1_0_0::total as old, tally2_0_0::total as new};

    pub(super) fn migrate() -> Result<(), String> {
        let total = old::value();
        let total: u64 = new_total(total)?;
        new::add(total);
        Ok(())
    }

    fn new_total(was: i64) -> Result<u64, String> {
        compile_error!("`acme:tally/total` sum: was `s64`, is `u64`: write what becomes of it")
    }
}
