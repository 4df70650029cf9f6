//! The keys themselves: how they are made, kept in memory and written down by hand.

use std::fmt;

use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::VaultError;

/// Fills `out` from the operating system's generator.
///
/// Randomness is not passed in here, against the rule elsewhere: a key that a test could fix is a key that a bug could.
pub(crate) fn fill_random(out: &mut [u8]) -> Result<(), VaultError> {
    SystemRandom::new().fill(out).map_err(|_| VaultError::other("the system gives no random numbers"))
}

/// Key of one database file: 32 secret bytes and the 16-byte salt that its first page begins with.
///
/// The salt is public. Fixing it beforehand lets a wrong key be told apart from a damaged first page: a file that
/// begins with another salt was made with another key.
#[derive(Clone)]
pub struct DatabaseKey {
    pub(crate) secret: Zeroizing<[u8; 32]>,
    pub(crate) salt: [u8; 16],
}

impl DatabaseKey {
    /// A fresh random key.
    pub fn generate() -> Result<Self, VaultError> {
        let mut key = Self { secret: Zeroizing::new([0; 32]), salt: [0; 16] };
        fill_random(key.secret.as_mut_slice())?;
        fill_random(&mut key.salt)?;
        Ok(key)
    }

    /// The statement that unlocks a connection. Raw key and salt: no key derivation, so opening costs nothing.
    pub(crate) fn pragma(&self, statement: &str) -> Zeroizing<String> {
        // Reserved once: growing would leave copies of the key behind.
        let mut sql = Zeroizing::new(String::with_capacity(statement.len() + 2 * 48 + 8));
        sql.push_str(statement);
        sql.push_str("\"x'");
        for byte in self.secret.iter().chain(&self.salt) {
            for nibble in [byte >> 4, byte & 15] {
                sql.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is below 16"));
            }
        }
        sql.push_str("'\"");
        sql
    }
}

impl fmt::Debug for DatabaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseKey(..)")
    }
}

/// A random key that opens a backup, meant to be written on paper: 52 letters and 4 check letters in groups of four.
///
/// ```
/// let key = cuba_vault::RecoveryKey::generate()?;
/// let paper = key.to_text();
/// assert_eq!(cuba_vault::RecoveryKey::parse(&paper.to_lowercase())?.to_text(), paper);
/// # Ok::<(), cuba_vault::VaultError>(())
/// ```
#[derive(Clone)]
pub struct RecoveryKey(pub(crate) Zeroizing<[u8; 32]>);

/// Crockford's base 32: no I, L, O or U, so that handwriting is read back right.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const KEY_LETTERS: usize = 52;
const CHECK_LETTERS: usize = 4;

impl RecoveryKey {
    /// A fresh random key.
    pub fn generate() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill_random(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// The key as letters. The caller shows it once and forgets it.
    pub fn to_text(&self) -> Zeroizing<String> {
        let letters = self.letters();
        let mut text = Zeroizing::new(String::with_capacity(KEY_LETTERS + CHECK_LETTERS + 16));
        for (i, &letter) in letters.iter().enumerate() {
            if i > 0 && i % 4 == 0 {
                text.push('-');
            }
            text.push(letter as char);
        }
        text
    }

    /// Reads letters back: case, spaces and dashes do not matter, and `O I L` are taken for `0 1 1`.
    ///
    /// # Errors
    /// [`VaultError::KeyWrong`] when the length or the check letters are wrong (a slip of the pen).
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let mut values = Zeroizing::new(Vec::with_capacity(KEY_LETTERS + CHECK_LETTERS));
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let value = ALPHABET.iter().position(|&a| a as char == c).ok_or(VaultError::KeyWrong)?;
            values.push(value as u8);
        }
        if values.len() != KEY_LETTERS + CHECK_LETTERS {
            return Err(VaultError::KeyWrong);
        }
        let mut bytes = Zeroizing::new([0u8; 32]);
        let (mut bits, mut have) = (0u32, 0);
        let mut out = bytes.iter_mut();
        for &value in values.iter().take(KEY_LETTERS) {
            bits = (bits << 5) | u32::from(value);
            have += 5;
            if have >= 8 {
                have -= 8;
                if let Some(byte) = out.next() {
                    *byte = (bits >> have) as u8;
                }
                bits &= (1 << have) - 1;
            }
        }
        let key = Self(bytes);
        let expected = key.letters();
        let same =
            expected.iter().zip(values.iter()).all(|(&a, &b)| ALPHABET.get(usize::from(b)) == Some(&a));
        if same { Ok(key) } else { Err(VaultError::KeyWrong) }
    }

    fn letters(&self) -> Zeroizing<Vec<u8>> {
        let check = digest::digest(&digest::SHA256, self.0.as_slice());
        let mut out = Zeroizing::new(Vec::with_capacity(KEY_LETTERS + CHECK_LETTERS));
        push_base32(&mut out, self.0.as_slice(), KEY_LETTERS);
        push_base32(&mut out, check.as_ref(), CHECK_LETTERS);
        out
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey(..)")
    }
}

fn push_base32(out: &mut Vec<u8>, bytes: &[u8], letters: usize) {
    let (mut bits, mut have) = (0u32, 0);
    let mut input = bytes.iter();
    for _ in 0..letters {
        if have < 5 {
            // Past the end the last letter is padded with zero bits.
            bits = (bits << 8) | u32::from(input.next().copied().unwrap_or(0));
            have += 8;
        }
        have -= 5;
        out.push(*ALPHABET.get((bits >> have) as usize & 31).expect("five bits are below 32"));
        bits &= (1 << have) - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_noticed() {
        let key = RecoveryKey(Zeroizing::new([7; 32]));
        let text = key.to_text();
        for i in 0..text.len() {
            let mut wrong: Vec<char> = text.chars().collect();
            if wrong[i] == '-' {
                continue;
            }
            wrong[i] = if wrong[i] == 'A' { 'B' } else { 'A' };
            let wrong: String = wrong.into_iter().collect();
            assert!(matches!(RecoveryKey::parse(&wrong), Err(VaultError::KeyWrong)), "letter {i}");
        }
        assert_eq!(*RecoveryKey::parse(&text.replace('-', " ").to_lowercase()).unwrap().0, [7; 32]);
    }

    #[test]
    fn debug_output_holds_no_key() {
        let key = DatabaseKey { secret: Zeroizing::new([0xAB; 32]), salt: [1; 16] };
        assert_eq!(format!("{key:?}"), "DatabaseKey(..)");
        assert!(key.pragma("PRAGMA key = ").starts_with("PRAGMA key = \"x'abab"));
    }
}
