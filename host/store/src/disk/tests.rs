//! The real directory, where it must agree with the simulated one.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn mode_of(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_directory_is_created_private_and_keeps_files() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("a/b");
    let disk = DirDisk::create(&root).unwrap();
    let again = DirDisk::create(&root).unwrap();
    assert!(again.list("").unwrap().is_empty());

    disk.create_dir("journal").unwrap();
    disk.create_dir("journal").unwrap();
    let file = disk.open("journal/1.log", Mode::CreateNew).unwrap();
    file.write_at(3, b"abc").unwrap();
    file.sync_data().unwrap();
    file.sync_all().unwrap();
    disk.sync_dir("journal").unwrap();
    disk.sync_dir("").unwrap();
    assert_eq!(file.len().unwrap(), 6);
    let shared: &dyn Disk = &disk;
    assert_eq!(shared.read("journal/1.log", 6).unwrap(), b"\0\0\0abc");
    file.set_len(4).unwrap();

    disk.rename("journal/1.log", "journal/2.log").unwrap();
    assert_eq!(disk.list("journal").unwrap(), ["2.log"]);
    assert!(disk.list("").unwrap().is_empty());
    assert_eq!(disk.open("journal/2.log", Mode::Read).unwrap().len().unwrap(), 4);
    for dir in [home.path().join("a"), root.clone(), root.join("journal")] {
        assert_eq!(mode_of(&dir), 0o700, "{dir:?}");
    }
    assert_eq!(mode_of(&root.join("journal/2.log")), 0o600);
    disk.remove("journal/2.log").unwrap();
    assert!(disk.list("journal").unwrap().is_empty());
}

#[test]
fn errors_keep_their_kind_and_name_the_file() {
    let home = tempfile::tempdir().unwrap();
    let disk = DirDisk::open(home.path()).unwrap();
    let error = disk.open("nothing", Mode::ReadWrite).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.to_string().contains("cannot open nothing"), "{error}");
    assert_eq!(disk.list("nothing").unwrap_err().kind(), io::ErrorKind::NotFound);
    disk.open("f", Mode::CreateNew).unwrap();
    assert_eq!(disk.open("f", Mode::CreateNew).err().unwrap().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(disk.create_dir("f").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert!(disk.open("f", Mode::Read).unwrap().write_at(0, b"x").is_err());
    assert_eq!(DirDisk::open(&home.path().join("nothing")).err().unwrap().kind(), io::ErrorKind::NotFound);
    assert!(DirDisk::create(&home.path().join("f")).is_err());
}

#[test]
fn no_path_leads_out() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("secret"), "x").unwrap();
    let disk = DirDisk::create(&home.path().join("data")).unwrap();
    for path in ["", ".", "..", "../secret", "/etc/passwd", "a//b"] {
        assert_eq!(disk.open(path, Mode::Read).err().unwrap().kind(), io::ErrorKind::InvalidInput, "{path:?}");
        assert!(disk.remove(path).is_err());
    }
    std::os::unix::fs::symlink("../secret", home.path().join("data/link")).unwrap();
    assert!(disk.open("link", Mode::Read).is_err());
}

#[test]
fn g06_a_lock_has_one_holder_and_shows_its_record() {
    let home = tempfile::tempdir().unwrap();
    let disk = DirDisk::open(home.path()).unwrap();
    let lock = disk.lock("LOCK").unwrap();
    assert_eq!(lock.read().unwrap(), "");
    lock.write("epoch 12 pid 345").unwrap();
    lock.write("epoch 13 pid 6").unwrap();
    assert_eq!(lock.read().unwrap(), "epoch 13 pid 6");
    let error = DirDisk::open(home.path()).unwrap().lock("LOCK").err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let held = error.get_ref().unwrap().downcast_ref::<Held>().unwrap();
    assert_eq!(held.record, "epoch 13 pid 6");
    drop(lock);
    assert_eq!(disk.lock("LOCK").unwrap().read().unwrap(), "epoch 13 pid 6");
}
