//! Numbered, frozen migrations: each feature owns its tables and their version.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use crate::VaultError;

/// The tables of one feature. The n-th entry of `migrations` (from 1) brings version n-1 to n.
///
/// An entry never changes once released: databases made by it exist. A change is a new entry, and the crate keeps a
/// database of each old version as a fixture and tests that upgrading it gives the same schema as a fresh one.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Name under which the version is kept; never changes.
    pub name: &'static str,
    /// SQL of each version, usually `include_str!("001_init.sql")`.
    pub migrations: &'static [&'static str],
}

impl Schema {
    fn version(&self) -> u32 {
        self.migrations.len() as u32
    }
}

/// `PRAGMA application_id` of our files ("CUBA"), so that a foreign database is recognised.
const APPLICATION_ID: i32 = 0x4355_4241;
/// `PRAGMA user_version`: layout of the vault itself (the version table and the cipher's settings).
const VAULT_VERSION: u32 = 1;

/// Says whether this program can use the file, before anything is written to it.
pub(crate) fn check(conn: &Connection, schemas: &[Schema]) -> Result<(), VaultError> {
    let vault: u32 = conn.query_row("PRAGMA user_version", [], |r| r.get(0))?;
    if vault > VAULT_VERSION {
        return Err(too_new("vault", vault, VAULT_VERSION));
    }
    let versions = versions(conn)?;
    for schema in schemas {
        let found = versions.get(schema.name).copied().unwrap_or(0);
        if found > schema.version() {
            return Err(too_new(schema.name, found, schema.version()));
        }
    }
    Ok(())
}

/// Brings every schema to its newest version, all of them in one transaction: after a crash the file is as before.
pub(crate) fn migrate(conn: &mut Connection, schemas: &[Schema]) -> Result<(), VaultError> {
    let current = versions(conn)?;
    if schemas.iter().all(|s| current.get(s.name).copied().unwrap_or(0) == s.version()) {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {VAULT_VERSION};
         CREATE TABLE IF NOT EXISTS schema_version (
             name TEXT PRIMARY KEY NOT NULL,
             version INTEGER NOT NULL
         ) STRICT, WITHOUT ROWID;"
    ))?;
    // Again inside the transaction: another process may have upgraded, even beyond us, in between.
    check(&tx, schemas)?;
    let current = versions(&tx)?;
    for schema in schemas {
        let from = current.get(schema.name).copied().unwrap_or(0);
        apply(&tx, schema, from)?;
    }
    tx.commit()?;
    Ok(())
}

fn apply(tx: &Transaction<'_>, schema: &Schema, from: u32) -> Result<(), VaultError> {
    for (index, sql) in schema.migrations.iter().enumerate().skip(from as usize) {
        let version = index as u32 + 1;
        tx.execute_batch(sql).map_err(|error| match VaultError::from(error) {
            VaultError::Other { reason } => {
                VaultError::other(format!("upgrading `{}` to version {version}: {reason}", schema.name))
            }
            clear => clear,
        })?;
        tx.execute(
            "INSERT INTO schema_version (name, version) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET version = excluded.version",
            (schema.name, version),
        )?;
    }
    Ok(())
}

fn versions(conn: &Connection) -> Result<BTreeMap<String, u32>, VaultError> {
    let exists = conn
        .query_row("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'", [], |_| {
            Ok(())
        })
        .optional()?
        .is_some();
    if !exists {
        return Ok(BTreeMap::new());
    }
    let mut statement = conn.prepare("SELECT name, version FROM schema_version")?;
    let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn too_new(schema: &str, found: u32, supported: u32) -> VaultError {
    VaultError::IncompatibleVersion { schema: schema.to_owned(), found, supported }
}
