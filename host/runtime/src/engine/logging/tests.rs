use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{Level, log};
use crate::limits::LOG_MESSAGE_BYTES_MAX;

/// Keeps what is logged as text.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Logged {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "stead::plugin"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(event.metadata().level().to_string());
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn logged(level: Level, context: &str, message: &str) -> Vec<String> {
    let kept = Logged::default();
    tracing::subscriber::with_default(kept.clone(), || log("box", level, context, message, 10));
    kept.0.lock().unwrap().clone()
}

#[test]
fn every_level_has_its_own_with_plugin_and_context_as_fields() {
    let levels = [
        (Level::Trace, "TRACE"),
        (Level::Debug, "DEBUG"),
        (Level::Info, "INFO"),
        (Level::Warn, "WARN"),
        (Level::Error, "ERROR"),
    ];
    for (level, name) in levels {
        let expected = format!("{name} message=hello plugin=\"box\" stream=\"log\" context=\"mail\"");
        assert_eq!(logged(level, "mail", "hello"), [expected]);
    }
    let expected = "ERROR message=hello plugin=\"box\" stream=\"log\" context=\"mail\" critical=true";
    assert_eq!(logged(Level::Critical, "mail", "hello"), [expected]);
}

#[test]
fn g14_a_message_is_logged_line_by_line_and_no_longer_than_it_may_be() {
    let lines = |context: &str, message: &str| -> Vec<String> {
        let of = |line: &String| line.split("message=").nth(1).unwrap().split(" plugin=").next().unwrap().to_owned();
        logged(Level::Info, context, message).iter().map(of).collect()
    };
    assert_eq!(lines("", "one\r\ntwo\n"), ["one", "two"]);
    assert_eq!(lines("", ""), [""]);
    assert_eq!(lines("", "0123456789ab\nc"), ["0123456789", "ab", "c"]);
    assert_eq!(lines("", "12345678\u{20ac}9"), ["12345678", "\u{20ac}9"], "characters stay whole");
    let long = lines("", &"a".repeat(LOG_MESSAGE_BYTES_MAX + 7));
    assert_eq!(long.len(), LOG_MESSAGE_BYTES_MAX.div_ceil(10) + 1);
    assert_eq!(long.last().unwrap(), "\u{2026} and 7 bytes more, which are not logged");
    let forged = logged(Level::Info, &format!("a\nERROR all is lost{}", "b".repeat(1000)), "m");
    assert!(forged[0].contains(r"a\nERROR") && forged[0].len() < 400, "{forged:?}");
}
