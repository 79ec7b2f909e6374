use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

use crate::Error;

/// The key that secrets are sealed under: 32 bytes, wiped from memory when dropped.
#[derive(Debug)]
pub struct MasterKey(pub(crate) SecretBox<[u8; 32]>);

impl MasterKey {
    /// A new key from the operating system's generator.
    ///
    /// # Errors
    /// [`Error::Randomness`].
    pub fn generate() -> Result<Self, Error> {
        let draw = || {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map(|()| bytes)
        };
        Ok(Self(SecretBox::try_init_with(draw)?))
    }

    /// The key that is written here as base64; white space around it is ignored.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(base64: &SecretString) -> Result<Self, Error> {
        let bytes = STANDARD.decode(base64.expose_secret().trim()).map_err(|_| Error::Malformed)?;
        let bytes = Zeroizing::new(bytes);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| Error::Malformed)?;
        Ok(Self(SecretBox::new(Box::new(key))))
    }

    /// The key as [`parse`](Self::parse) reads it.
    #[must_use]
    pub fn to_base64(&self) -> SecretString {
        STANDARD.encode(self.0.expose_secret()).into()
    }

    /// The key in this file, or a new one if there is no file. The file appears whole, readable by its owner only, and of
    /// several processes that start at once all get the same key. Its folder must be there.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::MalformedFile`] or [`Error::Randomness`].
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        match fs::read_to_string(path) {
            Ok(text) => Self::in_file(path, text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = Self::generate()?;
                if key.create(path).map_err(failed)? {
                    return Ok(key);
                }
                Self::in_file(path, fs::read_to_string(path).map_err(failed)?)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn in_file(path: &Path, text: String) -> Result<Self, Error> {
        Self::parse(&text.into()).map_err(|_| Error::MalformedFile { path: path.to_owned() })
    }

    /// Writes the key to a new file; false if another process was first.
    fn create(&self, path: &Path) -> io::Result<bool> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?; // mode 0600
        writeln!(file, "{}", self.to_base64().expose_secret())?;
        file.as_file().sync_all()?; // a key lost with the power would take every secret along
        match file.persist_noclobber(path) {
            Ok(_) => fs::File::open(folder)?.sync_all().map(|()| true),
            Err(lost) if lost.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(failed) => Err(failed.error),
        }
    }
}
