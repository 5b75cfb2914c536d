//! Username and password (RFC 1929).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hint::black_box;

use crate::address::LengthError;

/// A username and a password for the method of RFC 1929, each 1 to 255 octets.
///
/// Clones share one copy in memory, which is overwritten when the last of them goes. `Debug` shows neither.
#[derive(Clone)]
pub struct UserPass(Arc<Secret>);

struct Secret {
    username: Vec<u8>,
    password: Vec<u8>,
}

impl UserPass {
    /// A login of the given octets.
    ///
    /// # Errors
    /// [`LengthError`] where one of them is empty or over 255 octets long: neither is ever cut.
    pub fn new(username: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Result<Self, LengthError> {
        let (username, password) = (username.as_ref(), password.as_ref());
        LengthError::check("username", username)?;
        LengthError::check("password", password)?;
        Ok(Self(Arc::new(Secret { username: username.to_vec(), password: password.to_vec() })))
    }

    /// UNAME, 1 to 255 octets.
    pub fn username(&self) -> &[u8] {
        &self.0.username
    }

    /// PASSWD, 1 to 255 octets.
    pub fn password(&self) -> &[u8] {
        &self.0.password
    }
}

impl PartialEq for UserPass {
    fn eq(&self, other: &Self) -> bool {
        self.username() == other.username() && self.password() == other.password()
    }
}

impl Eq for UserPass {}

impl fmt::Debug for UserPass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserPass(<redacted>)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.username);
        wipe(&mut self.password);
    }
}

/// Overwrites a secret. The `black_box` keeps the compiler from dropping a store that nothing reads.
pub(crate) fn wipe(secret: &mut [u8]) {
    secret.fill(0);
    black_box(secret);
}
