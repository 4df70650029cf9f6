//! The desktop's keyring keeps the key. Needs an unlocked Secret Service, which build machines lack: docs/testing.md has
//! the command that starts one.

#![cfg(feature = "os-keyring")]
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use cuba_vault::{
    KeyFile, KeyStore as _, OpenOptions, OsKeyring, Schema, Vault, VaultError, key_protection, rewrap,
};

const SCHEMAS: [Schema; 1] = [Schema { name: "t", migrations: &["CREATE TABLE t (v TEXT) STRICT;"] }];

#[test]
#[ignore = "needs a running Secret Service: docs/testing.md has the command that starts one and runs this"]
fn the_keyring_keeps_the_key_until_it_is_told_to_forget() {
    let place = tempfile::tempdir().unwrap();
    let database = place.path().join("t.db");
    let keyring = OsKeyring::new(place.path().display().to_string());
    let options = OpenOptions::at(jiff::Timestamp::UNIX_EPOCH);
    let open = |keys: &dyn cuba_vault::KeyStore| Vault::open(&database, keys, &SCHEMAS, &options).map(drop);

    open(&keyring).unwrap();
    open(&keyring).unwrap();
    assert_eq!(key_protection(&database).unwrap().as_deref(), Some("keyring"));

    let file = KeyFile::new(place.path().join("kek"));
    rewrap(&database, &keyring, &file).unwrap();
    keyring.forget().unwrap();
    keyring.forget().unwrap();
    open(&file).unwrap();
    assert!(matches!(open(&keyring), Err(VaultError::KeyProtectedBy { .. })));

    rewrap(&database, &file, &keyring).unwrap();
    open(&keyring).unwrap();
    keyring.forget().unwrap();
    assert!(matches!(open(&keyring), Err(VaultError::KeyMissing)));
}
