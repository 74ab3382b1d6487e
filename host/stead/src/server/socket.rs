//! The Unix socket of a data directory.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Where a host that serves `data` answers.
pub(crate) fn socket_path(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// The bound socket, removed from the directory when dropped.
pub(crate) struct ControlSocket {
    path: PathBuf,
}

impl ControlSocket {
    /// Binds the socket with mode 0600, in place of one that a killed host left.
    ///
    /// To be called only while the lock of the data directory is held: so the socket that is replaced is nobody's. It is
    /// bound under another name and renamed once its mode is set, so no other user can connect in between.
    pub(crate) fn bind(data: &Path) -> io::Result<(Self, UnixListener)> {
        let path = socket_path(data);
        let new = data.join("control.sock.new");
        remove_if_there(&new)?;
        let listener = UnixListener::bind(&new)?;
        fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
        fs::rename(&new, &path)?;
        Ok((Self { path }, listener))
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // A socket that stays behind is replaced by the next host.
        drop(fs::remove_file(&self.path));
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
