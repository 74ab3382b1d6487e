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
        mixed::migrate()?;
        settings::migrate()?;
        history::migrate()?;
        total::migrate()?;
        samples::migrate()?;
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
                let value: new::Value = new_value(value)?;
                new::set(key.as_str(), &value);
            }
            page = old::scan_after(last.as_str(), super::PAGE);
        }
        Ok(())
    }

    fn new_value(value: old::Value) -> Result<new::Value, String> {
        Ok(new::Value {
            at: value.at,
            choice: Some(value.choice),
            type_: value.type_.map(new_value_type).transpose()?,
            where_: (new_value_where_item0(value.where_.0)?, value.where_.1),
            shapes: value.shapes.into_iter().map(new_value_shapes).collect::<Result<_, _>>()?,
            outcome: match value.outcome { Ok(ok) => Ok(new_value_outcome_ok(ok)?), Err(err) => Err(err) },
            bare: value.bare,
            letters: value.letters,
            by: None,
            // `gone` is gone: it was `bool`.
        })
    }

    fn new_value_type(value: old::ValueType) -> Result<new::ValueType, String> {
        Ok(match value {
            old::ValueType::Red => new::ValueType::Red,
            old::ValueType::Green => new::ValueType::Green,
        })
    }

    fn new_value_where_item0(value: old::ValueWhereItem0) -> Result<new::ValueWhereItem0, String> {
        Ok(new::ValueWhereItem0 {
            y: value.y.into(),
            x: value.x.into(),
        })
    }

    fn new_value_shapes(value: old::ValueShapes) -> Result<new::ValueShapes, String> {
        Ok(match value {
            old::ValueShapes::Dot => new::ValueShapes::Dot,
            old::ValueShapes::Circle(payload) => new::ValueShapes::Circle(payload.into()),
            old::ValueShapes::Polygon(payload) => new::ValueShapes::Polygon(payload.into_iter().map(new_value_where_item0).collect::<Result<_, _>>()?),
        })
    }

    fn new_value_outcome_ok(value: old::ValueOutcomeOk) -> Result<new::ValueOutcomeOk, String> {
        let mut flags = new::ValueOutcomeOk::empty();
        flags.set(new::ValueOutcomeOk::READ, value.contains(old::ValueOutcomeOk::READ));
        flags.set(new::ValueOutcomeOk::WRITE, value.contains(old::ValueOutcomeOk::WRITE));
        flags.set(new::ValueOutcomeOk::RUN, value.contains(old::ValueOutcomeOk::RUN));
        Ok(flags)
    }
}

mod points {
    use crate::acme::{tally1_0_0::points as old, tally2_0_0::points as new};

    pub(super) fn migrate() -> Result<(), String> {
        let mut page = old::scan(None, super::PAGE);
        while let Some((last, _)) = page.last() {
            let last = *last;
            for (key, value) in page {
                let key: (u16, new::KeyItem1) = (key.0.into(), new_key_item1(key.1)?);
                let value: new::Value = new_value(value)?;
                new::set(key, value);
            }
            page = old::scan_after(last, super::PAGE);
        }
        Ok(())
    }

    fn new_key_item1(value: old::KeyItem1) -> Result<new::KeyItem1, String> {
        Ok(match value {
            old::KeyItem1::Red => new::KeyItem1::Red,
            old::KeyItem1::Green => new::KeyItem1::Green,
        })
    }

    fn new_value(value: old::Value) -> Result<new::Value, String> {
        Ok(new::Value {
            y: value.y.into(),
            x: value.x.into(),
        })
    }
}

mod mixed {
    use crate::acme::{tally1_0_0::mixed as old, tally2_0_0::mixed as new};

    pub(super) fn migrate() -> Result<(), String> {
        let mut page = old::scan(None, super::PAGE);
        while let Some((last, _)) = page.last() {
            let last = last.clone();
            for (key, value) in page {
                let key: new::Key = new_key(key)?;
                let value: (String, u8, Option<new::KeyColour>, Result<new::ValueItem3Ok, Vec<u8>>, Option<String>) = (value.0, value.1, value.2.map(new_key_colour).transpose()?, match value.3 { Ok(ok) => Ok(new_value_item3_ok(ok)?), Err(err) => Err(err) }, value.4);
                new::set(&key, (value.0.as_str(), value.1, value.2.as_ref(), value.3.as_ref().map_err(|err| err.as_slice()), value.4.as_deref()));
            }
            page = old::scan_after(&last, super::PAGE);
        }
        Ok(())
    }

    fn new_key(value: old::Key) -> Result<new::Key, String> {
        Ok(new::Key {
            name: value.name,
            colour: new_key_colour(value.colour)?,
        })
    }

    fn new_key_colour(value: old::KeyColour) -> Result<new::KeyColour, String> {
        Ok(match value {
            old::KeyColour::Red => new::KeyColour::Red,
            old::KeyColour::Green => new::KeyColour::Green,
        })
    }

    fn new_value_item3_ok(value: old::ValueItem3Ok) -> Result<new::ValueItem3Ok, String> {
        let mut flags = new::ValueItem3Ok::empty();
        flags.set(new::ValueItem3Ok::READ, value.contains(old::ValueItem3Ok::READ));
        flags.set(new::ValueItem3Ok::WRITE, value.contains(old::ValueItem3Ok::WRITE));
        flags.set(new::ValueItem3Ok::RUN, value.contains(old::ValueItem3Ok::RUN));
        Ok(flags)
    }
}

mod settings {
    use crate::acme::{tally1_0_0::settings as old, tally2_0_0::settings as new};

    pub(super) fn migrate() -> Result<(), String> {
        if let Some(value) = old::get() {
            let value: Option<new::Value> = value.map(new_value).transpose()?;
            new::set(value.as_ref());
        }
        Ok(())
    }

    fn new_value(value: old::Value) -> Result<new::Value, String> {
        Ok(new::Value {
            at: value.at,
            choice: Some(value.choice),
            type_: value.type_.map(new_value_type).transpose()?,
            where_: (new_value_where_item0(value.where_.0)?, value.where_.1),
            shapes: value.shapes.into_iter().map(new_value_shapes).collect::<Result<_, _>>()?,
            outcome: match value.outcome { Ok(ok) => Ok(new_value_outcome_ok(ok)?), Err(err) => Err(err) },
            bare: value.bare,
            letters: value.letters,
            by: None,
            // `gone` is gone: it was `bool`.
        })
    }

    fn new_value_type(value: old::ValueType) -> Result<new::ValueType, String> {
        Ok(match value {
            old::ValueType::Red => new::ValueType::Red,
            old::ValueType::Green => new::ValueType::Green,
        })
    }

    fn new_value_where_item0(value: old::ValueWhereItem0) -> Result<new::ValueWhereItem0, String> {
        Ok(new::ValueWhereItem0 {
            y: value.y.into(),
            x: value.x.into(),
        })
    }

    fn new_value_shapes(value: old::ValueShapes) -> Result<new::ValueShapes, String> {
        Ok(match value {
            old::ValueShapes::Dot => new::ValueShapes::Dot,
            old::ValueShapes::Circle(payload) => new::ValueShapes::Circle(payload.into()),
            old::ValueShapes::Polygon(payload) => new::ValueShapes::Polygon(payload.into_iter().map(new_value_where_item0).collect::<Result<_, _>>()?),
        })
    }

    fn new_value_outcome_ok(value: old::ValueOutcomeOk) -> Result<new::ValueOutcomeOk, String> {
        let mut flags = new::ValueOutcomeOk::empty();
        flags.set(new::ValueOutcomeOk::READ, value.contains(old::ValueOutcomeOk::READ));
        flags.set(new::ValueOutcomeOk::WRITE, value.contains(old::ValueOutcomeOk::WRITE));
        flags.set(new::ValueOutcomeOk::RUN, value.contains(old::ValueOutcomeOk::RUN));
        Ok(flags)
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
            old::Value::Dot => new::Value::Dot,
            old::Value::Circle(payload) => new::Value::Circle(payload.into()),
            old::Value::Polygon(payload) => new::Value::Polygon(payload.into_iter().map(new_value_polygon).collect::<Result<_, _>>()?),
        })
    }

    fn new_value_polygon(value: old::ValuePolygon) -> Result<new::ValuePolygon, String> {
        Ok(new::ValuePolygon {
            y: value.y.into(),
            x: value.x.into(),
        })
    }
}

mod total {
    use crate::acme::{tally1_0_0::total as old, tally2_0_0::total as new};

    pub(super) fn migrate() -> Result<(), String> {
        let total = old::value();
        new::add(total);
        Ok(())
    }
}

mod samples {
    use crate::acme::{tally1_0_0::samples as old, tally2_0_0::samples as new};

    pub(super) fn migrate() -> Result<(), String> {
        let mut next = 0;
        loop {
            let page = old::read(next, super::PAGE);
            let Some((last, _)) = page.last() else { break };
            next = last + 1;
            for (_, value) in page {
                let value: Vec<u32> = value.into_iter().map(|item| Ok(item.into())).collect::<Result<_, String>>()?;
                new::append(value.as_slice());
            }
        }
        Ok(())
    }
}
