//! The WIT of guests: no world may import two versions of one track, which the tools that make components merge without
//! a word, so that one version's records are read as the other's.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use wit_parser::{PackageName, Resolve, World, WorldKey};

/// Checks every world of the packages that stand in these directories. What does not parse is left to the guest's own
/// compiler, whose message shows the line.
pub(crate) fn check(directories: &BTreeSet<PathBuf>) -> Result<(), String> {
    for directory in directories {
        let mut resolve = Resolve::default();
        let Ok((package, _)) = resolve.push_dir(directory) else { continue };
        for world in resolve.packages[package].worlds.values() {
            let world = &resolve.worlds[*world];
            if let Some((first, second)) = two_of_one_track(&resolve, world) {
                return Err(format!(
                    "world `{}` in {} imports `{first}` and `{second}`, two versions of one track: they would be \
                     merged into one and mix up their types\n\
                     import only one of them; or, to migrate from the older, publish the newer on the next track",
                    world.name,
                    directory.display()
                ));
            }
        }
    }
    Ok(())
}

/// Where a package keeps its WIT by custom: `wit`, or several packages in directories below it.
pub(crate) fn of_package(directory: &Path) -> BTreeSet<PathBuf> {
    let root = directory.join("wit");
    let below = fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.path());
    below.chain([root.clone()]).filter(|directory| holds_wit(directory)).collect()
}

/// Where the WIT among the sources of a guest stands, its dependencies apart.
pub(crate) fn of_sources(sources: &[PathBuf]) -> BTreeSet<PathBuf> {
    let wit = sources.iter().filter(|source| source.extension().is_some_and(|extension| extension == "wit"));
    wit.filter_map(|file| {
        let deps = file.ancestors().filter(|above| above.ends_with("deps")).last();
        deps.unwrap_or(file).parent().map(Path::to_owned)
    })
    .collect()
}

fn holds_wit(directory: &Path) -> bool {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|extension| extension == "wit"))
}

/// Interfaces of WASI are merged on purpose: their versions only ever grow.
fn two_of_one_track(resolve: &Resolve, world: &World) -> Option<(String, String)> {
    let mut seen: BTreeMap<(String, u64, u64), String> = BTreeMap::new();
    for key in world.imports.keys() {
        let WorldKey::Interface(id) = key else { continue };
        let interface = &resolve.interfaces[*id];
        let (Some(package), Some(name)) = (interface.package, &interface.name) else { continue };
        let package = &resolve.packages[package].name;
        let Some(version) = &package.version else { continue };
        if package.namespace == "wasi" {
            continue;
        }
        let minor = if version.major == 0 { version.minor } else { 0 };
        let track = (format!("{}:{}/{name}", package.namespace, package.name), version.major, minor);
        let full = full_name(package, name);
        if let Some(first) = seen.insert(track, full.clone()) {
            return Some((first, full));
        }
    }
    None
}

fn full_name(package: &PackageName, interface: &str) -> String {
    package.interface_id(interface)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with files, removed with the test.
    struct Files(PathBuf);

    impl Files {
        fn new(name: &str, files: &[(&str, &str)]) -> Files {
            let root = std::env::temp_dir().join(format!("stead-wit-{}-{name}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().expect("below the root")).expect("made");
                fs::write(path, text).expect("written");
            }
            Files(root)
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    const KEPT: &str = "interface kept { get: func() -> option<u32>; }";

    fn checked(name: &str, imports: &str, versions: &[&str]) -> Result<(), String> {
        let world = format!("package acme:user@1.0.0;\nworld user {{ {imports} }}");
        let mut files = vec![("wit/user.wit".to_owned(), world)];
        files.extend(versions.iter().map(|version| {
            (format!("wit/deps/acme-box-{version}/box.wit"), format!("package acme:box@{version};\n{KEPT}"))
        }));
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let files = Files::new(name, &files);
        check(&of_package(&files.0))
    }

    #[test]
    fn g07_two_versions_of_one_track_stop_the_build() {
        for (name, first, second) in [("one", "1.0.0", "1.2.0"), ("zero", "0.3.0", "0.3.1")] {
            let imports = format!("import acme:box/kept@{first}; import acme:box/kept@{second};");
            let error = checked(name, &imports, &[first, second]).expect_err("merged");
            for part in
                [&*format!("acme:box/kept@{first}"), &format!("acme:box/kept@{second}"), "`user`", "import only one"]
            {
                assert!(error.contains(part), "{part} is not in: {error}");
            }
        }
    }

    #[test]
    fn g07_versions_of_two_tracks_are_a_migration() {
        let imports = "import acme:box/kept@1.0.0; import acme:box/kept@2.0.0;";
        assert_eq!(checked("tracks", imports, &["1.0.0", "2.0.0"]), Ok(()));
        let imports = "import acme:box/kept@0.1.0; import acme:box/kept@0.2.0;";
        assert_eq!(checked("minors", imports, &["0.1.0", "0.2.0"]), Ok(()));
        assert_eq!(checked("unread", "import acme:box/absent@1.0.0;", &["1.0.0"]), Ok(()), "left to the compiler");
    }

    #[test]
    fn worlds_below_a_common_directory_are_each_checked() {
        let world = |versions: [&str; 2]| {
            let imports = versions.map(|version| format!("import acme:box/kept@{version};")).concat();
            format!("package acme:user@1.0.0;\nworld user {{ {imports} }}")
        };
        let dependency = |version: &str| format!("package acme:box@{version};\n{KEPT}");
        let (good, bad) = (world(["1.0.0", "2.0.0"]), world(["1.0.0", "1.1.0"]));
        let (one, next, two) = (dependency("1.0.0"), dependency("1.1.0"), dependency("2.0.0"));
        let files = Files::new(
            "below",
            &[
                ("wit/good/user.wit", &good),
                ("wit/good/deps/one.wit", &one),
                ("wit/good/deps/two.wit", &two),
                ("wit/worse/user.wit", &bad),
                ("wit/worse/deps/one.wit", &one),
                ("wit/worse/deps/next.wit", &next),
            ],
        );
        let directories = of_package(&files.0);
        assert_eq!(directories.len(), 2);
        let error = check(&directories).expect_err("one is bad");
        assert!(error.contains("worse"), "{error}");
    }

    #[test]
    fn dependencies_belong_to_the_package_that_holds_them() {
        let sources = ["/w/src/lib.rs", "/w/wit/a.wit", "/w/wit/deps/b/b.wit", "/w/wit/deps/c.wit", "/x/y/d.wit"];
        let directories = of_sources(&sources.map(PathBuf::from));
        assert_eq!(directories, ["/w/wit", "/x/y"].map(PathBuf::from).into());
    }
}
