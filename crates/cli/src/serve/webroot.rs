//! The folder that is served, and the way from a name that anybody may have sent to a file in it.

use anyhow::{Context, Result, anyhow, ensure};
use netboot_core::digest::hex_pair;
use netboot_ubp::wire::ErrorCode;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The folder that is served.
#[derive(Debug)]
pub struct Webroot(PathBuf);

/// By what a changed file is known: it is another file, or has another size or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    /// Octets of the file.
    pub size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// The stamp of an open file.
    ///
    /// # Errors
    /// [`ErrorCode::NOT_FOUND`] when it is no regular file, [`ErrorCode::FAILED`] when the system does not tell.
    pub fn of(file: &File) -> Result<Self, ErrorCode> {
        let metadata = file.metadata().map_err(|_| ErrorCode::FAILED)?;
        if !metadata.is_file() {
            return Err(ErrorCode::NOT_FOUND);
        }
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

impl Webroot {
    /// Takes the folder at this path. The path is looked up anew for each file, so it may be a symbolic link that is replaced.
    ///
    /// # Errors
    /// When it is no folder, or the system cannot open files in it and nowhere else.
    pub fn new(path: &Path) -> Result<Self> {
        let shown = path.display();
        let metadata = std::fs::metadata(path).with_context(|| format!("cannot serve {shown}"))?;
        ensure!(metadata.is_dir(), "cannot serve {shown}: it is no folder");
        let root = Self(path.into());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        root.beneath(".", flags).map_err(|error| match error {
            Errno::NOSYS => anyhow!("cannot serve {shown}: the system is older than Linux 5.6"),
            error => anyhow!("cannot serve {shown}: {error}"),
        })?;
        Ok(root)
    }

    /// Opens what is in the folder, and nothing that is elsewhere.
    fn beneath(&self, name: &str, flags: OFlags) -> Result<File, Errno> {
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, &self.0, folder, Mode::empty())?;
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        openat2(&root, name, flags, Mode::empty(), inside).map(File::from)
    }

    /// Whether the folder is there.
    pub fn is_there(&self) -> bool {
        self.0.is_dir()
    }

    /// Opens a file. `name` is one that [`clean`] has returned. Symbolic links are followed as long as they do not lead out of the folder.
    ///
    /// # Errors
    /// What the client is told.
    pub fn open(&self, name: &str) -> Result<(File, Stamp), ErrorCode> {
        // Without NONBLOCK a named pipe would stop the server.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let file = self.beneath(name, flags).map_err(code)?;
        let stamp = Stamp::of(&file)?;
        Ok((file, stamp))
    }
}

/// What a client is told when the system refuses.
fn code(error: Errno) -> ErrorCode {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG | Errno::NXIO => ErrorCode::NOT_FOUND,
        // A symbolic link that leads out of the folder, or in a circle.
        Errno::XDEV | Errno::LOOP => ErrorCode::REFUSED,
        _ => ErrorCode::FAILED,
    }
}

/// The name of a file below the folder, from a path of a client as it stands in a URI: `%41` is `A`, and the slash at the start may be missing.
///
/// # Errors
/// [`ErrorCode::REFUSED`] when the path goes up or names something hidden, whether that exists or not. [`ErrorCode::NOT_FOUND`] when no file has
/// such a name: it has a control character, an empty part, or is no text.
pub fn clean(path: &[u8]) -> Result<String, ErrorCode> {
    let decoded = decode(path).ok_or(ErrorCode::NOT_FOUND)?;
    let text = String::from_utf8(decoded).map_err(|_| ErrorCode::NOT_FOUND)?;
    let name = text.strip_prefix('/').unwrap_or(&text);
    if name.split('/').any(|part| part.starts_with('.')) {
        return Err(ErrorCode::REFUSED);
    }
    if name.split('/').any(str::is_empty) || name.contains(char::is_control) {
        return Err(ErrorCode::NOT_FOUND);
    }
    Ok(name.into())
}

/// Puts octets in the place of `%41`. `None` when a percent sign stands alone, or the octet is a slash, which would make two parts of one.
fn decode(path: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.iter();
    while let Some(&octet) = rest.next() {
        let octet = match octet {
            b'%' => hex_pair(*rest.next()?, *rest.next()?).filter(|octet| *octet != b'/')?,
            octet => octet,
        };
        out.push(octet);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    #[test]
    fn names_of_files_are_taken() {
        for (path, name) in [
            ("/fw.bin", "fw.bin"),
            ("fw.bin", "fw.bin"),
            ("/a/b%20c/d..e", "a/b c/d..e"),
            ("/100%25", "100%"),
            ("/gr%C3%BCn", "grün"),
        ] {
            assert_eq!(clean(path.as_bytes()).as_deref(), Ok(name), "{path}");
        }
    }

    #[test]
    fn what_goes_up_or_is_hidden_is_refused() {
        for path in [
            "/..",
            "../x",
            "/a/../b",
            "/a/..",
            "/%2e%2e/x",
            "/.%2E/x",
            "/.",
            "/./a",
            "/.ssh/id",
            "/a/.hidden",
            "..",
        ] {
            assert_eq!(clean(path.as_bytes()), Err(ErrorCode::REFUSED), "{path}");
        }
    }

    #[test]
    fn what_is_no_name_is_not_found() {
        for path in [
            &b"/"[..],
            b"",
            b"//etc/passwd",
            b"/a//b",
            b"/a/",
            b"/a\0b",
            b"/a%00b",
            b"/a%0ab",
            b"/a\x1b[2J",
            b"/a%",
            b"/a%4",
            b"/a%zz",
            b"/a%2fb",
            b"/\xff",
            b"/%c2%9b",
        ] {
            assert_eq!(clean(path), Err(ErrorCode::NOT_FOUND), "{path:?}");
        }
    }

    #[test]
    fn links_are_followed_inside_and_not_outside() {
        let outside = TempDir::new().unwrap();
        std::fs::write(outside.path().join("secret"), b"secret").unwrap();
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("release-1")).unwrap();
        std::fs::write(at("release-1/fw.bin"), b"firmware").unwrap();
        symlink("release-1", at("current")).unwrap();
        symlink(outside.path(), at("out")).unwrap();
        symlink(outside.path().join("secret"), at("secret")).unwrap();
        symlink("../../etc/passwd", at("release-1/up")).unwrap();
        symlink("circle", at("circle")).unwrap();
        symlink("/proc/self/exe", at("magic")).unwrap();
        rustix::fs::mknodat(
            CWD,
            at("pipe"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        let root = Webroot::new(folder.path()).unwrap();
        assert_eq!(root.open("release-1/fw.bin").unwrap().1.size, 8);
        assert_eq!(root.open("current/fw.bin").unwrap().1.size, 8);
        let refused = ["out/secret", "secret", "release-1/up", "circle", "magic"];
        let not_found = ["none", "release-1", "pipe", "release-1/fw.bin/x"];
        for (names, code) in [
            (&refused[..], ErrorCode::REFUSED),
            (&not_found[..], ErrorCode::NOT_FOUND),
        ] {
            for name in names {
                assert_eq!(root.open(name).map(|_| ()), Err(code), "{name}");
            }
        }
        let long = "x".repeat(255 * 17);
        assert_eq!(
            root.open(&long).map(|_| ()),
            Err(ErrorCode::NOT_FOUND),
            "a long name"
        );
    }

    #[test]
    fn a_file_is_no_folder() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let text = format!("{:#}", Webroot::new(&file).unwrap_err());
        assert!(text.ends_with("it is no folder"), "{text}");
        let text = format!("{:#}", Webroot::new(&folder.path().join("x")).unwrap_err());
        assert!(text.contains("No such file"), "{text}");
    }
}
