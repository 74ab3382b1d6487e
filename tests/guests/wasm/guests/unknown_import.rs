//! Imports an interface that fits no kind of collection.

stead_guest::bindings!(path: [], inline: "
    package test:unknown@1.0.0;

    interface clerk {
        file: func(name: string, pages: u32) -> result<u32, string>;
    }

    world unknown-import {
        import clerk;
        export run: func() -> u32;
    }
");

struct Unknown;

impl Guest for Unknown {
    fn run() -> u32 {
        test::unknown::clerk::file("a", 1).unwrap_or(0)
    }
}

export!(Unknown);
