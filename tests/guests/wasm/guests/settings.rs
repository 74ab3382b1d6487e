//! Reads its settings through `wasi:config` and logs through `wasi:logging`.

stead_guest::bindings!(
    path: ["../../../wit/deps/wasi-config", "../../../wit/deps/wasi-logging"],
    inline: "
        package test:settings;

        world settings {
            include wasi:config/imports@0.2.0-rc.1;
            include wasi:logging/imports@0.1.0-draft;

            export get: func(key: string) -> result<option<string>, string>;
            export all: func() -> result<list<tuple<string, string>>, string>;
            /// Logs at the least and at the highest level.
            export log: func(context: string, message: string);
        }
    ",
);

use wasi::config::store;
use wasi::logging::logging;

struct Settings;

impl Guest for Settings {
    fn get(key: String) -> Result<Option<String>, String> {
        store::get(&key).map_err(|error| error.to_string())
    }

    fn all() -> Result<Vec<(String, String)>, String> {
        store::get_all().map_err(|error| error.to_string())
    }

    fn log(context: String, message: String) {
        logging::log(logging::Level::Trace, &context, &message);
        logging::log(logging::Level::Critical, &context, &message);
    }
}

export!(Settings);
