//! A file that has its name only once all of it is on disk.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file being written beside the place where it is going to be. Dropped before it is kept, it leaves nothing behind.
pub(crate) struct NewFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Begins a file; there must be none of that name, of any kind.
    pub(crate) fn create(path: &Path) -> io::Result<NewFile> {
        if path.symlink_metadata().is_ok() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file is there already"));
        }
        if !directory(path).is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such directory"));
        }
        let temporary = tempfile::Builder::new().prefix(".stead-").suffix(".tmp").tempfile_in(directory(path))?;
        Ok(NewFile { temporary, path: path.to_owned() })
    }

    /// What to write to.
    pub(crate) fn file(&self) -> &File {
        self.temporary.as_file()
    }

    /// Syncs the file, gives it its name, and syncs that.
    pub(crate) fn keep(self) -> io::Result<()> {
        self.temporary.as_file().sync_all()?;
        self.temporary.persist_noclobber(&self.path).map_err(|error| error.error)?;
        File::open(directory(&self.path))?.sync_all()
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn g02_a_file_has_its_name_once_it_is_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let names = || std::fs::read_dir(&directory).expect("readable").count();
        let path = directory.path().join("later.jsonl");
        let begun = NewFile::create(&path).expect("begun");
        begun.file().write_all(b"half").expect("written");
        assert!(!path.exists());
        drop(begun);
        assert_eq!(names(), 0, "nothing is left behind");
        let begun = NewFile::create(&path).expect("begun");
        begun.file().write_all(b"whole").expect("written");
        begun.keep().expect("kept");
        assert_eq!(std::fs::read(&path).expect("readable"), b"whole");
        assert_eq!(names(), 1);
        let again = NewFile::create(&path).err().expect("there is one already");
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_file_that_came_meanwhile_is_not_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("later.jsonl");
        let begun = NewFile::create(&path).expect("begun");
        std::fs::write(&path, "another's").expect("written");
        assert!(begun.keep().is_err());
        assert_eq!(std::fs::read(&path).expect("readable"), b"another's");
    }
}
