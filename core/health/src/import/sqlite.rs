//! Other apps' `SQLite` databases, opened so that a hostile one can do no harm.
//!
//! A database on disk is opened read-only and immutable where it lies. One inside an archive has to become a file or
//! memory, since `SQLite` reads in any order: up to [`MAX_IN_MEMORY`] it is held in memory; a larger one is unpacked to
//! a private temporary file beside the vault, which on Unix loses its name as soon as it is open. What a crash during
//! unpacking leaves behind is removed by the next import of such an archive.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use cuba_vault::rusqlite::config::DbConfig;
use cuba_vault::rusqlite::limits::Limit;
use cuba_vault::rusqlite::types::ValueRef;
use cuba_vault::rusqlite::{Connection, OpenFlags, Row, params_from_iter};

use super::input::MAX_IN_MEMORY;
use super::{Input, Member, Stop};
use crate::HealthError;

/// First bytes of every `SQLite` 3 database.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Longest text or blob; longer ones fail their row, not the process.
const MAX_VALUE: i32 = 4 << 20;
/// Largest database that is unpacked to a temporary file.
const MAX_UNPACKED: u64 = 4 << 30;

/// An opened database with the names of its tables and their columns, in lower case.
pub(super) struct Database {
    connection: Connection,
    tables: BTreeMap<String, BTreeSet<String>>,
    // After the connection: it is removed once that is closed.
    _temporary: Option<Temporary>,
}

impl Database {
    /// The input itself, if it is a database.
    pub(super) fn open(input: &Input) -> Result<Self, HealthError> {
        if let Some(path) = input.path() {
            return Self::over(immutable(path)?, None);
        }
        Self::in_memory(input.reader()?, input.size())
    }

    /// A member of an archive or folder. `beside` is the vault's file.
    pub(super) fn open_member(input: &Input, member: &Member, beside: &Path) -> Result<Self, HealthError> {
        if input.path().is_some_and(Path::is_dir) {
            return Self::open(&input.nested(member)?);
        }
        if member.size <= MAX_IN_MEMORY {
            return Self::in_memory(input.open_member(member)?, member.size);
        }
        if member.size > MAX_UNPACKED {
            return Err(HealthError::broken("the database in the archive is too large for an export"));
        }
        let (temporary, connection) = Temporary::unpack(input.open_member(member)?, beside)?;
        Self::over(connection, Some(temporary))
    }

    fn in_memory(reader: impl Read, size: u64) -> Result<Self, HealthError> {
        let size = usize::try_from(size).map_err(|_| damaged())?;
        let mut connection = Connection::open_in_memory()?;
        connection.deserialize_read_exact("main", reader, size, true).map_err(|_| damaged())?;
        Self::over(connection, None)
    }

    fn over(connection: Connection, temporary: Option<Temporary>) -> Result<Self, HealthError> {
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection
            .execute_batch("PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -4096;")?;
        let mut tables = BTreeMap::new();
        {
            // Views and virtual tables run code of the file: only plain tables are read.
            let mut statement = connection
                .prepare(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE TABLE%'
                     AND name NOT LIKE 'sqlite%' LIMIT 2000",
                )
                .map_err(|_| damaged())?;
            let names: Vec<String> =
                statement.query_map([], |r| r.get(0)).and_then(Iterator::collect).map_err(|_| damaged())?;
            let mut columns = connection
                .prepare("SELECT name FROM pragma_table_xinfo(?1) LIMIT 500")
                .map_err(|_| damaged())?;
            for name in names {
                let list = columns.query_map([&name], |r| r.get::<_, String>(0));
                let list: BTreeSet<String> =
                    list.map_err(|_| damaged())?.filter_map(Result::ok).map(|c| c.to_lowercase()).collect();
                tables.insert(name.to_lowercase(), list);
            }
        }
        Ok(Self { connection, tables, _temporary: temporary })
    }

    pub(super) fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|c| c.contains(column))
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    pub(super) fn columns(&self, table: &str) -> impl Iterator<Item = &str> {
        self.tables.get(table).into_iter().flatten().map(String::as_str)
    }

    /// The first of several names that a column may have.
    pub(super) fn either<'n>(&self, table: &str, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|n| self.has(table, n))
    }

    /// Number of rows; 0 when the table is missing or damaged.
    pub(super) fn count(&self, table: &str) -> u64 {
        if !self.has_table(table) {
            return 0;
        }
        let sql = format!("SELECT count(*) FROM {}", quoted(table));
        self.connection.query_row(&sql, [], |r| r.get::<_, i64>(0)).map_or(0, |n| n.max(0) as u64)
    }

    /// Calls `take` with each row of a table in the order of `order`; columns that are missing read as nothing.
    /// Returns whether the table could be read to its end.
    pub(super) fn rows(
        &self,
        table: &str,
        columns: &[&str],
        order: &str,
        take: impl FnMut(&Fields<'_, '_>) -> Result<(), Stop>,
    ) -> Result<bool, Stop> {
        if !self.has_table(table) {
            return Ok(true);
        }
        let list: Vec<String> =
            columns.iter().map(|c| if self.has(table, c) { quoted(c) } else { "NULL".to_owned() }).collect();
        let order = if order.split(',').all(|c| self.has(table, c.trim()) || c.trim() == "rowid") {
            format!("ORDER BY {order}")
        } else {
            String::new()
        };
        self.query(&format!("SELECT {} FROM {} {order}", list.join(", "), quoted(table)), &[], take)
    }

    /// Calls `take` with each row of a query made by this crate.
    pub(super) fn query(
        &self,
        sql: &str,
        values: &[i64],
        mut take: impl FnMut(&Fields<'_, '_>) -> Result<(), Stop>,
    ) -> Result<bool, Stop> {
        let Ok(mut statement) = self.connection.prepare(sql) else { return Ok(false) };
        let Ok(mut rows) = statement.query(params_from_iter(values)) else { return Ok(false) };
        loop {
            match rows.next() {
                Ok(Some(row)) => take(&Fields(row))?,
                Ok(None) => return Ok(true),
                // A damaged page: what came before is good.
                Err(_) => return Ok(false),
            }
        }
    }
}

fn damaged() -> HealthError {
    HealthError::broken("the database is damaged or was not copied whole; export it again")
}

/// A name in double quotes: it comes from the file.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Whether the first bytes are those of an `SQLite` database.
pub(super) fn is_sqlite(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// The database in an archive or folder whose name begins with `name` (lower case).
pub(super) fn member_named<'i>(input: &'i Input, name: &str) -> Option<&'i Member> {
    let mut found = input.members().iter().filter(|m| m.base_name().to_lowercase().starts_with(name));
    found.find(|m| is_sqlite(&input.member_head(m, 16)))
}

fn immutable(path: &Path) -> Result<Connection, HealthError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let text = path.to_str().ok_or_else(|| {
        HealthError::invalid("the file's name is not readable text; rename it and import it again")
    })?;
    let mut uri = String::from("file:");
    for c in text.chars() {
        match c {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            '\\' => uri.push('/'),
            c => uri.push(c),
        }
    }
    uri.push_str("?mode=ro&immutable=1");
    Connection::open_with_flags(uri, flags).map_err(|_| damaged())
}

/// A database unpacked beside the vault; removed when it is closed.
struct Temporary(PathBuf);

impl Temporary {
    fn unpack(mut reader: impl Read, beside: &Path) -> Result<(Self, Connection), HealthError> {
        let mut name = beside.as_os_str().to_owned();
        name.push(".import.tmp");
        let temporary = Self(PathBuf::from(name));
        match fs::remove_file(&temporary.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&temporary.0)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = reader.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            file.write_all(buffer.get(..n).unwrap_or_default())?;
        }
        drop(file);
        let connection = immutable(&temporary.0)?;
        // Opens the file for good, so that it can lose its name.
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())).map_err(|_| damaged())?;
        #[cfg(unix)]
        fs::remove_file(&temporary.0)?;
        Ok((temporary, connection))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // On Unix it is gone already; elsewhere a failure leaves it to the next import.
        let _ = fs::remove_file(&self.0);
    }
}

/// A row whose values may have any type.
pub(super) struct Fields<'r, 's>(&'r Row<'s>);

impl Fields<'_, '_> {
    fn value(&self, i: usize) -> ValueRef<'_> {
        self.0.get_ref(i).unwrap_or(ValueRef::Null)
    }

    /// A number, also when it is stored as text.
    pub(super) fn number(&self, i: usize) -> Option<f64> {
        match self.value(i) {
            ValueRef::Integer(v) => Some(v as f64),
            ValueRef::Real(v) => Some(v).filter(|v| v.is_finite()),
            ValueRef::Text(_) => self.text(i)?.trim().parse().ok().filter(|v: &f64| v.is_finite()),
            _ => None,
        }
    }

    /// A whole number.
    pub(super) fn integer(&self, i: usize) -> Option<i64> {
        match self.value(i) {
            ValueRef::Integer(v) => Some(v),
            _ => self.number(i).filter(|v| v.abs() < 9e15).map(|v| v as i64),
        }
    }

    pub(super) fn text(&self, i: usize) -> Option<&str> {
        match self.value(i) {
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().filter(|t| !t.is_empty()),
            _ => None,
        }
    }
}
