//! WIT that an example vendors is the WIT that it was copied from.

use std::{fs, path::Path};

#[test]
fn vendored_wit_is_unchanged() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let copies = [
        ("wit", "examples/weather/v2/wit/deps/stead-plugin"),
        ("examples/weather/v1/wit", "examples/weather/v2/wit/deps/acme-weather-1"),
        ("wit", "examples/stock/v2/wit/deps/stead-plugin"),
        ("examples/stock/v1/wit", "examples/stock/v2/wit/deps/acme-stock-1"),
    ];
    for (original, copy) in copies {
        for file in fs::read_dir(root.join(copy)).unwrap() {
            let file = file.unwrap();
            assert_eq!(
                fs::read_to_string(file.path()).unwrap(),
                fs::read_to_string(root.join(original).join(file.file_name())).unwrap(),
                "{copy} differs from {original}"
            );
        }
    }
}
